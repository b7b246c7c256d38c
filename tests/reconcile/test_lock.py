"""Whose turn it is on a Stage: the lock, the queue, and a user's one open Changeset."""

from __future__ import annotations

from typing import Any

import pytest

from setops.api.kinds import CHANGESET, Object
from setops.reconcile.changeset import queue
from tests.reconcile.samples import World, changeset, stage

COMMIT = {"commit": True}
PAUSED = {"setops.co/paused": "true"}


def queued(name: str, turn: int, **content: Any) -> Object:
    made = changeset(name, "Queued", spec=COMMIT, **content)
    made["status"]["turn"] = turn
    return made


def held_by(holder: Object) -> Object:
    metadata = holder["metadata"]
    made = stage()
    lock_ = {"changeset": metadata["name"], "uid": metadata["uid"], "since": "2026-01-01T00:00:00Z"}
    made["status"]["currentChangeset"] = lock_
    return made


def first_before(here: Object, name: str, *others: Object) -> str | None:
    """Whom the Changeset of that name has to wait for."""
    world = World(here, *others)
    mine = next(each for each in world.cluster.list(CHANGESET) if named(each) == name)
    found = queue.ahead(world.cluster, here, mine)
    return None if found is None else named(found)


def named(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def test_nobody_is_ahead_of_the_only_one() -> None:
    assert first_before(stage(), "one", changeset("one", None, spec=COMMIT)) is None


def test_the_holder_of_the_lock_is_ahead_of_all() -> None:
    running = changeset("running", "Applying", spec=COMMIT)
    others = (running, queued("one", 1))
    assert first_before(held_by(running), "one", *others) == "running"
    assert first_before(held_by(running), "running", *others) is None


def test_the_lock_of_one_that_has_ended_is_free() -> None:
    ended = changeset("ended", "Committed", spec=COMMIT)
    assert first_before(held_by(ended), "one", ended, queued("one", 1)) is None


@pytest.mark.parametrize(
    ("phase", "spec", "annotations", "holds"),
    [
        pytest.param("Applying", COMMIT, {}, True, id="it is carried out"),
        pytest.param("Applying", COMMIT, PAUSED, True, id="carried out, whoever pauses it"),
        pytest.param("RollingBack", COMMIT, PAUSED, True, id="rolled back, whoever pauses it"),
        pytest.param("Applying", {**COMMIT, "discard": True}, {}, True, id="being cancelled"),
        pytest.param("Queued", COMMIT, {}, True, id="it is about to begin"),
        pytest.param("Queued", COMMIT, PAUSED, False, id="paused before it began"),
        pytest.param("Open", {}, {}, False, id="withdrawn before it began"),
        pytest.param("Queued", {**COMMIT, "discard": True}, {}, False, id="discarded"),
        pytest.param("Failed", COMMIT, {}, False, id="ended"),
    ],
)
def test_nobody_holds_the_lock_who_will_not_let_go_of_it(
    phase: str, spec: Object, annotations: Object, holds: bool
) -> None:
    holder = changeset("holder", phase, spec=spec, annotations=annotations)
    found = first_before(held_by(holder), "one", holder, queued("one", 1))
    assert found == ("holder" if holds else None)


def test_the_queue_keeps_the_order_of_the_commits() -> None:
    """Not that of the names, nor that in which the operator came to look at them."""
    unseen = changeset("a-unseen", None, spec=COMMIT)
    line = (queued("c", 1), queued("b", 2), unseen)
    assert first_before(stage(), "c", *line) is None
    assert first_before(stage(), "b", *line) == "c"
    assert first_before(stage(), "a-unseen", *line) == "c"


def test_one_that_nobody_has_looked_at_yet_keeps_its_place() -> None:
    """Its turn is the version at which the API server took it; later versions come after it."""
    world = World(stage(), changeset("first", None, spec=COMMIT))
    world.put(changeset("second", None, spec=COMMIT))
    second = world.cluster.list(CHANGESET)[1]
    found = queue.ahead(world.cluster, stage(), second)
    assert found is not None
    assert named(found) == "first"


@pytest.mark.parametrize(
    "held_back",
    [
        pytest.param({"annotations": {"setops.co/paused": ""}}, id="paused"),
        pytest.param({"deletionTimestamp": "2026-01-01T00:00:00Z"}, id="being deleted"),
    ],
)
def test_nobody_waits_for_one_that_does_not_go_on(held_back: dict[str, Any]) -> None:
    line = (queued("one", 1, **held_back), queued("two", 2))
    assert first_before(stage(), "two", *line) is None


def draft(name: str, user: str | None, created: str = "10", **content: Any) -> Object:
    phase = content.pop("phase", "Open")
    spec = {**({"user": user} if user else {}), **content}
    made = changeset(name, phase, spec=spec)
    made["metadata"]["creationTimestamp"] = f"2026-01-01T00:00:{created}Z"
    return made


@pytest.mark.parametrize(
    ("mine", "other", "locked"),
    [
        pytest.param(draft("b", "ann", "20"), draft("a", "ann"), True, id="a second one"),
        pytest.param(draft("a", "ann"), draft("b", "ann", "20"), False, id="the older one"),
        pytest.param(draft("b", "ann"), draft("a", "ann"), True, id="in the same second: by name"),
        pytest.param(draft("b", "ann", "20"), draft("a", "bob"), False, id="of another user"),
        pytest.param(draft("b", None, "20"), draft("a", None), False, id="of nobody"),
        pytest.param(
            draft("b", "ann", "20", commit=True, phase=None),
            draft("a", "ann"),
            False,
            id="created with commit, it never was open",
        ),
        pytest.param(
            draft("b", "ann", "20", commit=True),
            draft("a", "ann"),
            True,
            id="open before its commit was asked for",
        ),
        pytest.param(
            draft("b", "ann", "20"), draft("a", "ann", phase="Discarded"), False, id="ended"
        ),
        pytest.param(
            draft("b", "ann", "20"), draft("a", "ann", phase="Applying"), False, id="running"
        ),
        pytest.param(
            draft("b", "ann", "20"),
            draft("a", "ann", commit=True, phase=None),
            False,
            id="about to be committed",
        ),
    ],
)
def test_a_user_has_one_open_changeset(mine: Object, other: Object, locked: bool) -> None:
    world = World(stage(), mine, other)
    assert (queue.older_draft(world.cluster, mine) is not None) is locked
