"""A Changeset whose plan comes after those of others holds no worker, and says so."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from setops.api.kinds import Object, key_of
from setops.changes.outcome import Outcome, Question
from setops.reconcile.context import Context
from setops.reconcile.driver import reconcile
from setops.reconcile.planner import BusyError
from tests.reconcile import samples
from tests.reconcile.samples import changeset, planning_context, reported
from tests.reconcile.server import Server

TOLD: Final = "waits to be planned: large plans are made one after another"


class Busy:
    """A planner that makes others' plans."""

    async def outcome(self, question: Question, namespace: str) -> Outcome:  # noqa: ARG002 - a port
        """Refuse."""
        raise BusyError("others come first")

    def seconds(self, namespace: str) -> float:  # noqa: ARG002
        """What the last plan of the Stage took."""
        return 10.0


def _changeset(phase: str | None, **spec: Any) -> Object:
    status = {**reported(), "phase": phase}
    for item in status["conditions"]:
        item["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    made = changeset("one", None, spec={"commands": ["app:create web"], **spec})
    return {**made, "status": status} if phase else made


CASES: Final = {
    "a draft": (_changeset("Open"), "Open"),
    "a dry run": (_changeset(None, dryRun=True), "Open"),
    "a commit": (_changeset(None, commit=True), "Queued"),
    "a commit that was open before": (_changeset("Open", commit=True), "Queued"),
    "a commit that had to come back": (_changeset("Queued", commit=True), "Queued"),
}


def _context(made: Object) -> Context:
    return planning_context(made, Server(made, samples.stage()), Busy())


@pytest.mark.parametrize(("made", "phase"), CASES.values(), ids=CASES)
def test_it_comes_back_later_each_time_and_tells_why(made: Object, phase: str) -> None:
    key, context = key_of(made), _context(made)
    assert asyncio.run(reconcile(context, key)) == 0.5
    now = context.cluster.get(key)
    assert now is not None
    status = now["status"]
    assert (status["phase"], status["conditions"][0]["message"]) == (phase, TOLD)
    assert "finalizers" not in now["metadata"], "its commit hasn't begun"
    again = asyncio.run(reconcile(context, key))
    assert again == 1.0 or phase == "Open", "what is only shown pays for having asked"


@pytest.mark.parametrize(("phase", "step"), [("Applying", "Write"), ("RollingBack", "Revert")])
def test_one_that_a_restarted_operator_has_to_plan_again_goes_on_later(
    phase: str, step: str
) -> None:
    """That others come first is no fault of a step, so no time of the step's runs."""
    made = _changeset(phase, commit=True)
    status = {
        **made["status"],
        "plan": {"targetHash": "unknown", "generation": 1, "changes": []},
        "previousRevision": 0,
        "baseRevision": 0,
        "step": step,
        "startedAt": "2026-01-01T00:00:00Z",
    }
    made = {**made, "status": status}
    key, context = key_of(made), _context(made)
    assert [asyncio.run(reconcile(context, key)) for _ in range(2)] == [0.5, 1.0]
    now = context.cluster.get(key)
    assert now is not None
    assert now["status"] == status
    assert not context.memory.held_up
