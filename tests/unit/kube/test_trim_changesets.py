"""What the cache keeps of Changesets: enough to know what is due, and nothing that is large."""

from __future__ import annotations

import json
from typing import Any

import pytest

from setops.api.changeset import Phase
from setops.kube.trim import LEFT_OUT, MOST_OF_A_SPEC, changeset, spec_size

LARGE = ["--app web env:set KEY=" + "x" * 1000] * 1000
STATUS = {"plan": {"summary": "s", "changes": [{"a": "b" * 400_000}]}, "errors": [{"m": "x" * 9}]}


def made(phase: Phase | None, **content: Any) -> dict[str, Any]:
    return {
        "apiVersion": "setops.co/v1alpha1",
        "kind": "Changeset",
        "metadata": {"name": "a", "namespace": "n", "managedFields": [{}]},
        "spec": {"user": "dev@example.com", "message": "why", "commit": True, **content},
        "status": {**STATUS, "phase": phase.value, "baseRevision": 3} if phase else {},
    }


ENDED = [phase for phase in Phase if phase.finished]
UNDER_WAY = [phase for phase in Phase if not phase.finished]


@pytest.mark.parametrize("content", [{"commands": LARGE}, {"definition": {"apps": LARGE}}])
@pytest.mark.parametrize("phase", Phase)
def test_what_is_large_is_left_out_in_every_phase(phase: Phase, content: dict[str, Any]) -> None:
    whole = made(phase, **content)
    kept = changeset(whole)
    assert LEFT_OUT in kept
    assert spec_size(kept) == spec_size(whole) > 1_000_000
    assert kept["spec"] == {"user": "dev@example.com", "message": "why", "commit": True}
    assert (kept["status"].get("plan") is None) is phase.finished
    assert kept["status"]["baseRevision"] == 3
    assert whole["spec"].keys() > kept["spec"].keys(), "the original isn't touched"


@pytest.mark.parametrize("phase", [*UNDER_WAY, None])
def test_what_is_small_stays_until_it_has_ended(phase: Phase | None) -> None:
    whole = made(phase, commands=["app:create web"])
    kept = changeset(whole)
    assert LEFT_OUT not in kept
    assert (kept["spec"], kept["status"]) == (whole["spec"], whole["status"])


@pytest.mark.parametrize("phase", ENDED)
def test_of_one_that_has_ended_little_is_kept(phase: Phase) -> None:
    kept = changeset(made(phase, commands=["app:create web"]))
    assert len(json.dumps(kept)) < 500
    assert spec_size(kept) == spec_size(made(phase, commands=["app:create web"]))


def test_the_border() -> None:
    room = MOST_OF_A_SPEC - spec_size(made(None, commands=[""]))
    assert LEFT_OUT not in changeset(made(None, commands=["x" * room]))
    assert LEFT_OUT in changeset(made(None, commands=["x" * (room + 1)]))
