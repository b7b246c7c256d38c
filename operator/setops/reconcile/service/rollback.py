"""The note that a rollback deletes the Service which its commit has created.

It decides that data goes whatever the deletion policy says. So it counts only for the deletion that
the rollback itself has begun, and is taken back where the Service has outlived the rollback.
"""

from __future__ import annotations

from datetime import datetime

from setops.api.changeset import Phase, phase_of
from setops.api.kinds import CHANGESET, Key, Object
from setops.reconcile.context import Context
from setops.reconcile.stage_around import is_deleting


def is_rolled_back(context: Context, service: Object) -> bool:
    """Whether the deletion of a Service is part of the rollback that its status names.

    Once this was seen, the deletion goes on without the Changeset; see `note_deletion`. In doubt it
    isn't: then the deletion policy counts.
    """
    mark = (service.get("status") or {}).get("rolledBack")
    if not mark:
        return False
    if mark.get("deleting"):
        return True
    changeset = _changeset(context, service, mark)
    if changeset is None:
        return False
    if phase_of(changeset) is Phase.ROLLING_BACK:
        return True
    ended = (changeset.get("status") or {}).get("finishedAt")
    began = service["metadata"].get("deletionTimestamp")
    return bool(ended and began and _time(began) <= _time(ended))


async def note_deletion(context: Context, service: Object) -> Object:
    """Note that the rollback's deletion is being carried out, before anything is deleted."""
    status = service["status"]
    mark = {**status["rolledBack"], "deleting": True}
    return await context.cluster.swap_status(service, {**status, "rolledBack": mark})


async def forget_rollback(context: Context, service: Object) -> Object:
    """Take the note of a rollback back that has ended and left the Service alive."""
    status = service.get("status") or {}
    mark = status.get("rolledBack")
    if not mark or is_deleting(service):
        return service
    changeset = _changeset(context, service, mark)
    if changeset is not None and phase_of(changeset) is Phase.ROLLING_BACK:
        return service
    return await context.cluster.swap_status(service, {**status, "rolledBack": None})


def _changeset(context: Context, service: Object, mark: Object) -> Object | None:
    key = Key(CHANGESET, service["metadata"]["namespace"], mark["changeset"])
    found = context.cluster.get(key)
    return found if found is not None and found["metadata"]["uid"] == mark["uid"] else None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
