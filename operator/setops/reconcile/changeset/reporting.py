"""A Changeset's status: phase, conditions, and when each is so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from setops.api import conditions
from setops.api.changeset import Phase
from setops.api.conditions import ConditionType, Reason
from setops.api.errors import Problem
from setops.api.kinds import Object
from setops.changes.plan import error_of
from setops.kube.events import EventType
from setops.reconcile.context import Context

# Phase -> (Ready, Reconciling, Stalled, Complete, Failed).
_SHAPE: Final[Mapping[Phase, tuple[bool, bool, bool, bool, bool]]] = {
    Phase.OPEN: (False, False, False, False, False),
    Phase.QUEUED: (False, True, False, False, False),
    Phase.APPLYING: (False, True, False, False, False),
    Phase.ROLLING_BACK: (False, True, False, False, False),
    Phase.COMMITTED: (True, False, False, True, False),
    Phase.FAILED: (False, False, True, False, True),
    Phase.DISCARDED: (True, False, False, False, False),
}
_TYPES: Final = (
    ConditionType.READY,
    ConditionType.RECONCILING,
    ConditionType.STALLED,
    ConditionType.COMPLETE,
    ConditionType.FAILED,
)


async def report(
    context: Context,
    changeset: Object,
    phase: Phase,
    reason: Reason,
    message: str,
    **fields: Any,
) -> Object:
    """Write phase, conditions and these fields; other fields stay. None removes a field.

    Raises Conflict when the Changeset has changed since it was read, so that a late edit can't
    slip under a plan.
    """
    generation = changeset["metadata"].get("generation", 1)
    old = changeset.get("status") or {}
    shape = list(_SHAPE[phase])
    if phase is Phase.OPEN and reason is Reason.CHANGESET_INVALID:
        shape[2] = True
    if reason is Reason.CHANGESET_PLANNED:
        shape[3] = True
    shaped = [
        conditions.condition(type_, value, reason, message, generation)
        for type_, value in zip(_TYPES, shape, strict=True)
    ]
    status = {
        **old,
        **fields,
        "phase": phase.value,
        "observedGeneration": generation,
        "conditions": conditions.merge(old.get("conditions"), shaped, context.timestamp()),
    }
    if phase.finished and "finishedAt" not in old:
        status["finishedAt"] = context.timestamp()
    if old.get("phase") != phase.value:
        severity: EventType = "Warning" if phase is Phase.FAILED else "Normal"
        context.events.record(changeset, severity, reason.value, message)
    return await context.cluster.swap_status(changeset, status)


def rendered(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems as they stand in the status."""
    return [error_of(problem).to_json() for problem in problems]
