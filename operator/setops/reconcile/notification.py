"""Notifications: part of the definition. This version doesn't send any yet."""

from __future__ import annotations

from setops.api.conditions import Reason
from setops.api.kinds import Object
from setops.reconcile.context import Context
from setops.reconcile.report import Report
from setops.reconcile.stage_around import is_deleting, stage_around


async def reconcile(context: Context, notification: Object) -> Report | None:
    """Report that nothing is sent yet."""
    if is_deleting(notification):
        return None
    stage_around(context, notification["metadata"]["namespace"])
    return Report(
        "ready",
        Reason.CURRENTLY_NOT_SUPPORTED,
        "kept with the Stage; this version sends no notifications yet",
        {"confirmed": False},
    )
