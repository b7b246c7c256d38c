"""Figures in the table and in the file."""

from __future__ import annotations

import json

import pytest

from bench.figures import Figure, table, to_json
from bench.process import totals
from bench.work import app, children

FIGURES = (
    Figure("commit", 0.456, "of kubectl apply", 0.5),
    Figure("writes at rest", 3, "", 0),
    Figure("memory", 81.25, "MiB"),
)


def test_the_table_tells_what_is_met() -> None:
    assert table(FIGURES).splitlines() == [
        "                value  unit              target",
        "commit           0.46  of kubectl apply  ≤ 0.50  met",
        "writes at rest      3                       ≤ 0  MISSED",
        "memory          81.25  MiB",
    ]


def test_the_file_is_a_list_of_figures() -> None:
    first, _, last = json.loads(to_json(FIGURES))
    assert first == {
        "name": "commit",
        "value": 0.456,
        "unit": "of kubectl apply",
        "target": 0.5,
        "met": True,
    }
    assert last["target"] is None
    assert last["met"] is None


@pytest.mark.parametrize(("value", "met"), [(0.5, True), (0.51, False)])
def test_a_target_is_the_most_that_is_allowed(value: float, met: bool) -> None:
    assert Figure("", value, "", 0.5).met is met


def test_metrics_are_summed_over_their_labels() -> None:
    text = '# HELP n N\nn_total{kind="App"} 2.0\nn_total{kind="Stage"} 1e+01\ndepth 3.0\n'
    assert totals(text) == {"n_total": 12, "depth": 3}


def test_what_is_compared_is_nobodys_child() -> None:
    made = children([app("ns", "web", scale=2)], "bare")
    kinds = sorted(obj["kind"] for obj in made)
    assert kinds == [
        "Deployment",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    ]
    for obj in made:
        assert "ownerReferences" not in obj["metadata"]
        assert obj["metadata"]["namespace"] == "bare"
