"""When the note of a rollback decides that a Service's data goes, whatever its policy says."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from setops.api.kinds import SERVICE, Key, Object
from setops.api.put_back import PutBack
from setops.reconcile.context import Context
from setops.reconcile.service.rollback import forget_rollback, is_rolled_back, note_deletion
from setops.reconcile.service.version_pin import pin_of
from tests.reconcile.samples import SPACE, World, changeset, context_of, reported, service

MARK: Final = {"changeset": "broken", "uid": "uid-of-broken"}
PIN: Final = {"version": "15", "taken": "16", "changeset": "broken", "uid": "u"}
NOTE: Final = "setops.co/version-put-back"
DELETED: Final = {"deletionTimestamp": "2026-01-01T12:00:00Z"}


def broken(phase: str, finished: str = "") -> Object:
    status = {**reported(), "phase": phase, **({"finishedAt": finished} if finished else {})}
    return changeset("broken", status=status)


def context(*objects: Object) -> Context:
    return context_of(World(*objects).cluster)


def marked(mark: Any = MARK, **content: Any) -> Object:
    return service(status={**reported(), "rolledBack": mark}, **content)


@pytest.mark.parametrize(
    ("made", "around", "counts"),
    [
        pytest.param(marked(**DELETED), [broken("RollingBack")], True, id="it is under way"),
        pytest.param(
            marked(**DELETED), [broken("Failed", "2026-01-01T12:00:01Z")], True,
            id="it has begun it",
        ),
        pytest.param(marked(**DELETED), [], False, id="nobody knows what its Changeset has begun"),
        pytest.param(
            marked({**MARK, "deleting": True}, **DELETED), [], True,
            id="its Changeset has gone in the middle of the deletion",
        ),
        pytest.param(
            marked({**MARK, "deleting": True}, **DELETED),
            [broken("Failed", "2026-01-01T11:59:59Z")], True,
            id="the deletion is being carried out",
        ),
        pytest.param(
            marked(**DELETED), [broken("Failed", "2026-01-01T11:59:59Z")], False,
            id="somebody deletes what has outlived it",
        ),
        pytest.param(marked(**DELETED), [broken("Committed")], False, id="there was none"),
        pytest.param(service(**DELETED), [broken("RollingBack")], False, id="not noted"),
        pytest.param(
            service(annotations={"setops.co/rolled-back": "true"}, **DELETED),
            [broken("RollingBack")], False, id="noted by somebody in an annotation",
        ),
        pytest.param(
            service(labels={"setops.co/rolled-back": "true"}, **DELETED),
            [broken("RollingBack")], False, id="in a label",
        ),
        pytest.param(marked(None, **DELETED), [broken("RollingBack")], False, id="taken back"),
    ],
)  # fmt: skip
def test_the_note_counts_for_the_deletion_of_the_rollback_alone(
    made: Object, around: list[Object], *, counts: bool
) -> None:
    assert is_rolled_back(context(made, *around), made) is counts


def test_while_the_rollback_goes_on_the_note_stays() -> None:
    # The API server may not be asked here.
    made = marked()
    assert asyncio.run(forget_rollback(context(made, broken("RollingBack")), made)) is made


@pytest.mark.parametrize("around", [[], [broken("Failed")], [broken("Committed")]], ids=str)
def test_what_has_outlived_a_rollback_is_no_longer_marked(around: list[Object]) -> None:
    here = context(marked(), *around)
    found = here.cluster.get(Key(SERVICE, SPACE, "store"))
    assert found is not None
    with pytest.raises(AssertionError, match=r"PATCH .*/services/store/status"):
        asyncio.run(forget_rollback(here, found))


def test_the_deletion_is_noted_before_anything_is_deleted() -> None:
    made = marked(**DELETED)
    here = context(made, broken("RollingBack"))
    found = here.cluster.get(Key(SERVICE, SPACE, "store"))
    assert found is not None
    with pytest.raises(AssertionError, match=r"PATCH .*/services/store/status"):
        asyncio.run(note_deletion(here, found))


@pytest.mark.parametrize(
    ("made", "noted"),
    [
        (service(status={"versionPutBack": PIN}), PutBack("15", "16")),
        (service(annotations={NOTE: "15 from 16"}), PutBack("15", "16")),
        (
            service(annotations={NOTE: "14 from 15"}, status={"versionPutBack": PIN}),
            PutBack("15", "16"),
        ),
        (service(annotations={NOTE: "16 from 15"}), None),
        (service(annotations={NOTE: "nonsense"}), None),
        (service(), None),
    ],
    ids=str,
)
def test_a_restored_version_is_noted_in_the_status_or_by_an_earlier_operator(
    made: Object, noted: PutBack | None
) -> None:
    assert pin_of(made) == noted
