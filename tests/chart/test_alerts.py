"""The alerts are about metrics that the operator has, and the page explains each of them."""

from __future__ import annotations

import re
from typing import Any, Final, get_args

import pytest
import yaml
from promql_parser import Matcher, VectorSelector, parse, walk

from setops.aws.backoff import State
from setops.runtime.metrics import Outcome
from tests.chart.helm import CHART, NAMESPACE, ROOT, Helm, Rendered

FILE: Final = CHART / "files" / "alerts.yaml"
RULES: Final[list[dict[str, Any]]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"][0][
    "rules"
]
PAGE: Final = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
LABELS: Final = {
    ("setops_reconciles_total", "outcome"): get_args(Outcome),
    ("setops_aws_accounts", "state"): get_args(State),
}
"""The values that a label can have, of the labels that an alert looks at."""

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda each: each["alert"])


def selectors(expression: str) -> dict[str, list[Matcher]]:
    """The metrics that an expression reads, each with what it says of labels."""
    found: dict[str, list[Matcher]] = {}

    def visit(part: object) -> None:
        if isinstance(part, VectorSelector):
            found.setdefault(part.name or "", []).extend(part.matchers.matchers)

    walk(parse(expression), visit)
    return found


def test_there_is_a_rule_only_where_it_is_wanted(helm: Helm, default: Rendered) -> None:
    assert not default.all("PrometheusRule")
    labels = {"release": "kube-prometheus-stack"}
    made = helm.template({"metrics": {"alerts": {"enabled": True, "labels": labels}}})
    rule = made.one("PrometheusRule")
    assert rule["apiVersion"] == "monitoring.coreos.com/v1"
    assert rule["metadata"]["namespace"] == NAMESPACE
    assert labels.items() <= rule["metadata"]["labels"].items()
    # Placeholders are Prometheus's and reach it as they are.
    assert rule["spec"]["groups"][0]["rules"] == RULES


@every_rule
def test_it_reads_labels_that_the_metric_has(rule: dict[str, Any]) -> None:
    for metric, matchers in selectors(rule["expr"]).items():
        assert metric.startswith("setops_")
        for matcher in matchers:
            known = LABELS[metric, matcher.name]
            assert set(matcher.value.split("|")) <= set(known), matcher.value


@every_rule
def test_it_says_what_is_wrong_and_how_bad_that_is(rule: dict[str, Any]) -> None:
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "description"}
    # A placeholder for a label that the expression sums away would stay empty.
    named = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    kept = re.search(r"by \(([^)]*)\)", rule["expr"])
    by = set(kept[1].replace(" ", "").split(",")) - {"le"} if kept else None
    assert by is None or named <= by


@every_rule
def test_the_page_explains_it(rule: dict[str, Any]) -> None:
    [section] = re.findall(
        rf"^## {rule['alert']}\n\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE
    )
    assert "What to do: " in " ".join(section.split())


def test_the_page_explains_no_others() -> None:
    told = re.findall(r"^## (Setops\w+)$", PAGE, re.MULTILINE)
    assert told == [rule["alert"] for rule in RULES]
