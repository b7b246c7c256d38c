"""What a commit makes of a Lease that is lost under it, and of a plan that can't be made again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from setops.api.app import AppSpec
from setops.api.definition import StageDefinition, of_entries
from setops.api.kinds import CHANGESET, Object, key_of
from setops.api.section import APPS
from setops.changes.diff import diff
from setops.changes.plan import Planned, Source, plan_of
from setops.fence import FencedError
from setops.kube.errors import Forbidden, Invalid, Unavailable
from setops.reconcile.changeset.job import FailedError
from setops.reconcile.changeset.refusals import raise_refusals
from setops.reconcile.driver import reconcile
from tests.reconcile.samples import SPACE, FreePlanner, changeset, planning_context, reported, stage
from tests.reconcile.server import Server

AFTER: Final = of_entries({APPS: {"web": AppSpec.model_validate({"image": "a"})}})
CHANGES: Final = diff(StageDefinition(), AFTER)
PLAN: Final = plan_of(CHANGES, Source(1, "content", "target"))
PLANNED: Final = Planned(StageDefinition(), AFTER, CHANGES, (), PLAN)


class Rig:
    """A Changeset that is committed in the sample Stage."""

    def __init__(self, phase: str | None, **status: Any) -> None:
        commit = {"commands": ["app:create web"], "commit": True}
        made = changeset("one", phase, spec=commit)
        if phase:
            began = "2026-01-01T00:00:00+00:00"
            known = {"startedAt": began, "stepSince": began, "previousRevision": 0}
            made["status"] = {**reported(), "phase": phase, "baseRevision": 0, **known, **status}
            for item in made["status"]["conditions"]:
                item["lastTransitionTime"] = began
        self.made = made
        self.server = Server(made, stage())
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.context = planning_context(made, self.server, FreePlanner(), now=lambda: self.time)

    def reconcile(self) -> float | None:
        return asyncio.run(reconcile(self.context, key_of(self.made)))

    @property
    def told(self) -> Object:
        """The status at the API server."""
        status: Object = self.server.objects[CHANGESET.path(SPACE, "one")].get("status") or {}
        return status


@pytest.mark.parametrize("step", [None, "Write"], ids=["that begins", "at a step"])
def test_a_lost_lease_is_no_fault_of_the_commit(step: str | None) -> None:
    """Whoever leads now carries it on. Here nothing is told, and no time of the step's runs."""
    tried: list[str] = []

    def lose(method: str, path: str) -> None:
        if method != "GET":
            tried.append(path)
            raise FencedError("nothing is written any more: the Lease was not renewed")

    status = {"plan": {**PLAN.to_json(), "targetHash": PLANNED.target_hash}, "step": step}
    rig = Rig("Applying", **status) if step else Rig(None)
    if step:
        rig.context.memory.plans[rig.made["metadata"]["uid"]] = PLANNED
    rig.server.breaks = lose
    for times in (1, 2):
        with pytest.raises(FencedError):
            rig.reconcile()
        assert len(tried) == times, "after the first write that can't leave no other is tried"
        rig.time += timedelta(hours=1)
    assert not rig.context.memory.held_up
    assert not rig.context.memory.faults


LOST: Final = {"plan": {"targetHash": "another", "generation": 1, "changes": [], "summary": ""}}


def test_a_plan_that_is_lost_after_data_was_deleted_is_never_rolled_back() -> None:
    rig = Rig("Applying", step="Delete", irrevocable=True, **LOST)
    assert rig.reconcile() is not None
    assert rig.told["phase"] == "Applying", "the plan may be there at the next try"
    rig.time += timedelta(hours=1)
    rig.reconcile()
    assert rig.told["phase"] == "Failed"
    said = rig.told["conditions"][0]["message"]
    assert "can't reproduce the plan the commit started with" in said
    assert said.endswith("has begun to delete data, so what it has changed stays as it is")


def test_a_plan_that_is_lost_before_is_rolled_back_at_once() -> None:
    rig = Rig("Applying", step="Write", **LOST)
    phases = []
    rig.server.breaks = lambda _method, _path: phases.append(rig.told["phase"])
    rig.reconcile()
    phases.append(rig.told["phase"])
    assert list(dict.fromkeys(phases)) == ["Applying", "RollingBack", "Failed"]
    assert "can't reproduce the plan" in str(rig.told["errors"])


def test_a_write_that_may_have_taken_effect_is_told_before_what_is_refused() -> None:
    """Otherwise the commit would end at the refusal, and leave behind what was written."""
    [change] = CHANGES
    refused, away = Invalid("no"), Unavailable("away")
    with pytest.raises(Unavailable):
        raise_refusals([(change, refused), (change, None), (change, away)])


def test_everything_that_is_refused_is_told_at_once_and_each_only_once() -> None:
    [change] = CHANGES
    first, second = Invalid("no"), Forbidden("nor this")
    with pytest.raises(FailedError) as caught:
        raise_refusals([(change, first), (change, first), (change, second), (change, None)])
    assert [problem.message for problem in caught.value.problems] == [
        "App 'web': no",
        "App 'web': nor this",
    ]
