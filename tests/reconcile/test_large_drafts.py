"""An open Changeset that is expensive to write is told no more than its plan, and in its turn."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from setops.api.changeset import ChangesetSpec
from setops.api.kinds import CHANGESET, Object, key_of
from setops.kube.trim import spec_size
from setops.reconcile import edits
from setops.reconcile.changeset.job import Job
from setops.reconcile.changeset.planning import number_of_base
from setops.reconcile.changeset.queue import was_open
from setops.reconcile.context import Context
from setops.reconcile.driver import reconcile
from setops.reconcile.live import live_definition
from setops.reconcile.pace import SHARE, PlanPace, cost_of_writing
from setops.reconcile.revisions import latest_number
from setops.reconcile.stage_around import stage_around
from tests.reconcile.samples import SPACE, FreePlanner, app, changeset, planning_context, stage
from tests.reconcile.server import Server

LARGE = [f"--app web env:set KEY{number}={'x' * 1000}" for number in range(120)]
SMALL = ["app:create web"]


class Rig:
    """A draft in the sample Stage, at a time that stands still."""

    def __init__(self, commands: list[str], **spec: Any) -> None:
        self.draft = _draft("one", commands, **spec)
        self.server = Server(self.draft, stage())
        self.context: Context = planning_context(self.draft, self.server, FreePlanner())
        self.now = 100.0
        self.context.memory.pace = PlanPace(lambda: self.now)

    def reconcile(self) -> float | None:
        return asyncio.run(reconcile(self.context, key_of(self.draft)))

    def put(self, obj: Object, version: int) -> None:
        """Have an object in the cluster."""
        metadata = {**obj["metadata"], "resourceVersion": str(version)}
        self.context.cluster.cache.put({**obj, "metadata": metadata})

    @property
    def told(self) -> Object:
        """The status at the API server."""
        status: Object = self.server.objects[CHANGESET.path(SPACE, "one")].get("status") or {}
        return status

    def until_next(self) -> float:
        """Seconds until the Stage can pay for another Changeset."""
        return self.context.memory.pace.wait(key_of(_draft("other", SMALL)), 1)


def _draft(name: str, commands: list[str], **spec: Any) -> Object:
    return changeset(name, None, spec={"commands": commands, **spec})


@pytest.mark.parametrize(("commands", "told"), [(SMALL, True), (LARGE, False)])
def test_only_one_that_is_cheap_to_write_says_that_it_waits(
    commands: list[str], *, told: bool
) -> None:
    rig = Rig(commands)
    rig.context.memory.pace.charge(SPACE, 1.0)
    assert rig.reconcile() == pytest.approx(1.0 / SHARE - 1.0)
    assert bool(rig.told) is told


def test_what_its_plan_takes_to_store_is_paid_for() -> None:
    rig = Rig(LARGE)
    assert rig.reconcile() is None
    assert rig.told["plan"]["generation"] == 1
    cost = cost_of_writing(spec_size(rig.draft))
    assert rig.until_next() == pytest.approx(cost / SHARE - cost, rel=0.5)


def test_it_begins_where_it_was_first_seen_however_late_its_turn_comes() -> None:
    rig = Rig(LARGE)
    rig.put(app("web"), 10_000)
    rig.context.memory.pace.charge(SPACE, 1.0)
    rig.reconcile()
    first = latest_number(rig.context.cluster, stage())
    rig.put(app("new"), 20_000)
    asyncio.run(
        edits.record(rig.context, stage(), SPACE, live_definition(rig.context.cluster, SPACE))
    )
    rig.now += 100.0
    rig.reconcile()
    assert rig.told["baseRevision"] == first
    assert latest_number(rig.context.cluster, stage()) == first + 1


def test_one_that_is_committed_before_it_was_told_anything_began_when_it_was_open() -> None:
    """What another has committed since is a conflict, and its user's older one comes first."""
    rig = Rig(LARGE)
    rig.put(app("web", spec={"image": "old"}), 10_000)
    rig.context.memory.pace.charge(SPACE, 1.0)
    rig.reconcile()
    first = latest_number(rig.context.cluster, stage())
    rig.put(app("web", spec={"image": "new"}, generation=2), 20_000)
    asked = {**rig.draft, "spec": {**rig.draft["spec"], "commit": True}}
    rig.put({**asked, "metadata": {**asked["metadata"], "generation": 2}}, 20_001)
    job = Job(asked, ChangesetSpec(**asked["spec"]), stage_around(rig.context, SPACE))
    assert asyncio.run(number_of_base(rig.context, job)) == first
    now = rig.context.cluster.get(key_of(rig.draft))
    assert now is not None
    assert was_open(now)


def test_one_behind_an_older_one_of_its_user_is_told_so_in_its_turn_and_pays() -> None:
    rig = Rig(LARGE, user="dev@example.com")
    older = _draft("before", SMALL, user="dev@example.com")
    rig.put(older, 10_000)
    rig.context.memory.pace.charge(SPACE, 1.0)
    assert rig.reconcile() == pytest.approx(1.0 / SHARE - 1.0)
    assert not rig.told
    rig.now += 1.0 / SHARE
    assert rig.reconcile() is None
    assert rig.told["conditions"][0]["reason"] == "ChangesetLocked"
    assert rig.until_next() > 0
    rig.now += 100.0
    rig.reconcile()
    assert rig.until_next() == 0, "it was told nothing new"


EXCESS: Final = [
    pytest.param({}, False, id="a draft waits for its turn"),
    pytest.param({"dryRun": True}, False, id="a dry run, too"),
    pytest.param({"commit": True}, True, id="a commit is refused at once: others wait for it"),
]


@pytest.mark.parametrize(("spec", "at_once"), EXCESS)
def test_one_above_the_bound_is_refused_after_all_others(
    spec: dict[str, Any], *, at_once: bool
) -> None:
    rig = Rig(SMALL, user="dev@example.com", **spec)
    others = [_draft(f"a{number}", SMALL, user="dev@example.com") for number in range(20)]
    for place, other in enumerate(others):
        rig.put({**other, "status": {"phase": "Open"}}, 10_000 + place)
    rig.context.memory.pace.charge(SPACE, 1.0)
    owed = 1.0 / SHARE - 1.0
    rig.reconcile()
    assert ("phase" in rig.told) is at_once
    if not at_once:
        rig.now += owed
        owed = 0.0
        rig.reconcile()
    assert rig.told["phase"] == "Failed"
    assert rig.until_next() > owed, "its Stage pays"


def test_one_that_has_room_by_its_turn_is_not_refused() -> None:
    rig = Rig(SMALL, user="dev@example.com", dryRun=True)
    others = [_draft(f"a{number}", SMALL, user="dev@example.com") for number in range(20)]
    for place, other in enumerate(others):
        rig.put({**other, "status": {"phase": "Open"}}, 10_000 + place)
    rig.context.memory.pace.charge(SPACE, 1.0)
    rig.reconcile()
    for other in others:
        rig.context.cluster.cache.drop(key_of(other))
    rig.now += 1.0 / SHARE
    rig.reconcile()
    assert rig.told["phase"] == "Discarded", "it was planned, and that is its end"
