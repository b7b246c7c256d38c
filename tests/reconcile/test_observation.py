"""What is seen of a running commit that waits for an object of an earlier life to go."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from setops.api.app import AppSpec
from setops.api.changeset import ChangesetSpec, Step
from setops.api.definition import StageDefinition, of_entries
from setops.api.kinds import ORGANIZATION, Object
from setops.api.section import APPS, SERVICES
from setops.api.service import ServiceSpec
from setops.changes.diff import diff
from setops.changes.plan import Planned, Source, plan_of
from setops.reconcile.changeset.job import Job
from setops.reconcile.changeset.machine import CommitView, next_step
from setops.reconcile.changeset.observation import observe
from setops.reconcile.stage_around import stage_around
from tests.reconcile.samples import (
    SPACE,
    World,
    app,
    changeset,
    context_of,
    reported,
    service,
    surroundings,
)

BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
GOING: Final = {"deletionTimestamp": "2025-12-31T00:00:00Z"}
AFTER: Final = of_entries(
    {
        APPS: {"web": AppSpec.model_validate({"image": "a"})},
        SERVICES: {"store": ServiceSpec.model_validate({"type": "s3"})},
    }
)
WAITS_FOR_APP: Final = "waits for the App 'web' that is being deleted"


def seen(elapsed: int, timeout: int | None, *objects: Object) -> CommitView:
    """A commit that creates the App and the Service, so many seconds after it began."""
    changes = diff(StageDefinition(), AFTER)
    plan = plan_of(changes, Source(1, "content", "target"))
    status: dict[str, Any] = {
        "phase": "Applying",
        "step": "Write",
        "startedAt": BEGAN.isoformat(),
        "plan": {"targetHash": plan.target_hash},
    }
    running = changeset("again", status={**reported(), **status})
    around = [obj for obj in surroundings() if obj["kind"] != ORGANIZATION.kind]
    world = World(*around, running, *objects)
    context = context_of(world.cluster, now=lambda: BEGAN + timedelta(seconds=elapsed))
    job = Job(running, ChangesetSpec(timeout=timeout), stage_around(context, SPACE))
    context.memory.plans[job.uid] = Planned(StageDefinition(), AFTER, changes, (), plan)
    return asyncio.run(observe(context, job, cancelled=False)).view


@pytest.mark.parametrize(
    ("elapsed", "timeout"),
    [
        pytest.param(299, None, id="within the time of an App"),
        pytest.param(900, 1000, id="within the user's limit"),
    ],
)
def test_a_commit_waits_for_an_earlier_app(elapsed: int, timeout: int | None) -> None:
    view = seen(elapsed, timeout, service(), app(**GOING))
    assert next_step(view) is Step.WAIT
    assert view.awaited is not None
    assert view.awaited.message == WAITS_FOR_APP


@pytest.mark.parametrize(
    ("elapsed", "timeout"),
    [
        pytest.param(301, None, id="past the time of an App"),
        pytest.param(11, 10, id="past the user's limit"),
    ],
)
def test_but_not_longer_than_its_time(elapsed: int, timeout: int | None) -> None:
    view = seen(elapsed, timeout, service(), app(**GOING))
    assert view.failure == f"App 'web' could not be written in time: {WAITS_FOR_APP}"
    assert next_step(view) is Step.REVERT


def test_a_service_that_never_goes_away_ends_the_wait_as_well() -> None:
    view = seen(301, None, service(**GOING))
    assert "Service 'store' could not be written in time" in view.failure
    assert next_step(view) is Step.REVERT


def test_a_stalled_service_ends_the_wait_for_an_app() -> None:
    stalled = reported("AwsRefused", "False")
    stalled["conditions"].append({**stalled["conditions"][0], "type": "Stalled", "status": "True"})
    view = seen(1, None, service(status=stalled), app(**GOING))
    assert view.failure == "Service 'store': says AwsRefused"
    assert next_step(view) is Step.REVERT
