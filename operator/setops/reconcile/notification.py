"""Notifications: kept as part of the definition; this version sends none yet."""

from __future__ import annotations

from setops.api.conditions import Reason
from setops.api.kinds import Object
from setops.reconcile.context import Context
from setops.reconcile.places import is_deleting, stage_around
from setops.reconcile.report import Report


async def reconcile(context: Context, notification: Object) -> Report | None:
    """Report honestly that the target is not told of anything yet."""
    if is_deleting(notification):
        return None
    stage_around(context, notification["metadata"]["namespace"])
    return Report(
        "ready",
        Reason.NOT_SUPPORTED,
        "kept with the Stage; this version sends no notifications yet",
        {"confirmed": False},
    )
