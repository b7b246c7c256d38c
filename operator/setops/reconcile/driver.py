"""Runs the reconciler of a key's kind and reports what it said."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from setops.api.changeset import Phase, phase_of
from setops.api.conditions import ConditionType, Reason, find
from setops.api.kinds import (
    APP,
    CHANGESET,
    NOTIFICATION,
    ORGANIZATION,
    PROJECT,
    SERVICE,
    STAGE,
    Key,
    Kind,
    Object,
    key_of,
)
from setops.api.names import ANNOTATION_PAUSED
from setops.fence import FencedError
from setops.kube.errors import ApiError
from setops.reconcile import (
    app,
    changeset,
    faults,
    lock,
    notification,
    organization,
    project,
    service,
    stage,
)
from setops.reconcile.context import Context
from setops.reconcile.report import Interruption, Report, Requeue, Waiting, interrupted, publish

Reconciler = Callable[[Context, Object], Awaitable[Report | Requeue | None]]

_RECONCILERS: Final[Mapping[Kind, Reconciler]] = {
    ORGANIZATION: organization.reconcile,
    PROJECT: project.reconcile,
    STAGE: stage.reconcile,
    APP: app.reconcile,
    SERVICE: service.reconcile,
    NOTIFICATION: notification.reconcile,
    CHANGESET: changeset.reconcile,
}

_log = logging.getLogger(__name__)


async def reconcile(context: Context, key: Key) -> float | None:
    """Reconcile one object of ours; seconds after which to look again, None for only on events.

    An object that is gone, and one that is paused, is left alone; see `_is_paused`.
    """
    obj = context.cluster.get(key)
    if obj is None:
        context.memory.forget(key)
        return None
    if _is_paused(obj):
        _note_paused(context, obj)
        return None
    try:
        with faults.named():
            after = await _attempt(context, key, faults.untold(context.memory, obj))
    except FencedError:
        raise  # nothing can be told any more
    except Exception as error:
        if faults.is_told(error, faults.count(context.memory, obj, error)):
            await _tell(context, obj, error)
        raise
    context.memory.faults.pop(key, None)
    return after


async def _attempt(context: Context, key: Key, obj: Object) -> float | None:
    try:
        report = await _RECONCILERS[key.kind](context, obj)
    except Interruption as interruption:
        latest = context.cluster.get(key) or obj
        report = interrupted(latest, interruption)
    return await _publish(context, obj, report)


async def _publish(context: Context, obj: Object, report: Report | Requeue | None) -> float | None:
    if report is None:
        return None
    if isinstance(report, Requeue):
        return report.seconds
    generation = obj["metadata"].get("generation")
    latest = context.cluster.get(key_of(obj))
    same = latest is not None and latest["metadata"].get("generation") == generation
    if latest is not None and same:
        # For a newer spec this report would be wrong; that spec is marked and comes next.
        await publish(context, latest, report)
    return report.again


async def _tell(context: Context, obj: Object, error: Exception) -> None:
    """Say on the object that the operator can't go on. If that can't be written, the log has it."""
    message = faults.described(error)
    latest = context.cluster.get(key_of(obj)) or obj
    if latest["kind"] == CHANGESET.kind and phase_of(latest).finished:
        # Its conditions keep saying how it ended.
        context.events.record(latest, "Warning", Reason.SERVER_FAILURE.value, message)
        return
    fault = Waiting(Reason.SERVER_FAILURE, message, status=_without_old_plan(latest))
    try:
        await _publish(context, obj, interrupted(latest, fault))
    except ApiError as refused:
        _log.warning("The status can't be written, which should say that %s: %s", message, refused)
    except Exception:
        # The error that is to be told matters more, and is passed on.
        _log.exception("The status can't be written, which should say that %s", message)


def _without_old_plan(obj: Object) -> Mapping[str, None]:
    """The fields to remove from the status of a Changeset that was edited since it was planned.

    The status is marked as that of the current spec, so an older plan would pass for its plan.
    """
    if obj["kind"] != CHANGESET.kind or phase_of(obj) is not Phase.OPEN:
        return {}
    plan = (obj.get("status") or {}).get("plan") or {}
    if plan.get("generation") == obj["metadata"].get("generation"):
        return {}
    return {"plan": None, "errors": None}


def _is_paused(obj: Object) -> bool:
    """Whether a user holds the operator off. A commit that has begun goes on: it has the lock."""
    if obj["kind"] == CHANGESET.kind and lock.has_begun(obj):
        return False
    return ANNOTATION_PAUSED in (obj["metadata"].get("annotations") or ())


def _note_paused(context: Context, obj: Object) -> None:
    ready = find(obj.get("status"), ConditionType.READY)
    unchanged = f"; it stays {ready['reason']}" if ready else ""
    context.events.record(
        obj,
        "Normal",
        Reason.PAUSED.value,
        f"the annotation {ANNOTATION_PAUSED} holds the operator off{unchanged}",
    )
