"""How long a commit waits: for Services as long as their product takes, for Apps after those."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from setops.api.kinds import Object
from setops.api.section import APPS, SERVICES, Section
from setops.changes.diff import Action, Change
from setops.reconcile.changeset.commit_deadline import CommitClock, is_overdue
from tests.reconcile.samples import SPACE, World, app, reported, service

BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)


def created(section: Section, name: str, raw: Object) -> Change:
    entry = section.model.model_validate(raw)
    return Change(Action.CREATE, section, name, None, entry)


STORE: Final = created(SERVICES, "store", {"type": "postgresql"})
BUCKET: Final = created(SERVICES, "bucket", {"type": "s3"})
LINKED: Final = created(APPS, "web", {"image": "a", "links": {"store": {"envKey": "DB"}}})
ALONE: Final = created(APPS, "alone", {"image": "a"})


def ready(after: int) -> Object:
    status = reported()
    moment = BEGAN + timedelta(seconds=after)
    status["conditions"][0]["lastTransitionTime"] = moment.isoformat()
    return service("store", spec={"type": "postgresql"}, status=status)


NOT_READY: Final = service("store", spec={"type": "postgresql"}, status=reported("x", "False"))


@pytest.mark.parametrize(
    ("change", "store", "elapsed", "timeout", "overdue"),
    [
        pytest.param(ALONE, NOT_READY, 299, None, False, id="an App in its time"),
        pytest.param(ALONE, NOT_READY, 301, None, True, id="an App past its time"),
        pytest.param(BUCKET, NOT_READY, 301, None, True, id="a bucket is made quickly"),
        pytest.param(STORE, NOT_READY, 3599, None, False, id="a database takes an hour"),
        pytest.param(STORE, NOT_READY, 3601, None, True, id="and no longer"),
        pytest.param(LINKED, NOT_READY, 3500, None, False, id="an App that waits for a database"),
        pytest.param(LINKED, ready(900), 1100, None, False, id="it has just got its database"),
        pytest.param(LINKED, ready(900), 1201, None, True, id="it has had it for 301 seconds"),
        pytest.param(LINKED, NOT_READY, 11, 10, True, id="the user's limit counts for all"),
        pytest.param(STORE, NOT_READY, 11, 10, True, id="for Services, too"),
        pytest.param(ALONE, NOT_READY, 900, 1000, False, id="be it longer"),
    ],
)
def test_deadline(
    change: Change, store: Object, elapsed: int, timeout: int | None, overdue: bool
) -> None:
    now = BEGAN + timedelta(seconds=elapsed)
    clock = CommitClock(BEGAN.isoformat(), now, timeout, (STORE, BUCKET, LINKED, ALONE))
    assert is_overdue(World(store).cluster, SPACE, clock, change) is overdue


def test_the_time_of_an_app_that_was_written_late_begins_when_it_exists() -> None:
    """An earlier resource of that name had to go first."""
    late = app("alone", spec={"image": "a"})
    late["metadata"]["creationTimestamp"] = (BEGAN + timedelta(seconds=290)).isoformat()
    clock = CommitClock(BEGAN.isoformat(), BEGAN + timedelta(seconds=589), None, (ALONE,))
    assert not is_overdue(World(late).cluster, SPACE, clock, ALONE)
    later = CommitClock(BEGAN.isoformat(), BEGAN + timedelta(seconds=591), None, (ALONE,))
    assert is_overdue(World(late).cluster, SPACE, later, ALONE)
