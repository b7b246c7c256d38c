"""What a reconciler says about an object, and how that gets into the status.

    Interruption
    ├── Waiting    what it waits for comes by itself: Reconciling
    └── Stalled    a user has to act: Stalled

A reconciler returns a Report, or Requeue, or raises an Interruption. Anything else that it raises
is a fault: it is tried again with growing delays, and told once it lasts (`faults`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from setops.api import conditions
from setops.api.conditions import ConditionType, Reason
from setops.api.kinds import Object
from setops.kube.events import EventType
from setops.reconcile.context import Context

Shape = Literal["ready", "reconciling", "stalled", "open"]
"""Which of the conditions Ready, Reconciling and Stalled is True; with `open` none is."""

_SHAPES: Final[Mapping[Shape, Callable[[Reason, str, int], list[dict[str, Any]]]]] = {
    "ready": conditions.ready,
    "reconciling": conditions.reconciling,
    "stalled": conditions.stalled,
    "open": conditions.open_,
}

_SHAPED: Final = (ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED)
"""The conditions that every shape sets."""


@dataclass(frozen=True, slots=True)
class Report:
    """What to say about an object in its status.

    `status` holds all fields but conditions and observedGeneration. Fields that it doesn't name are
    removed, but for those that it `keeps`: others may write them while the reconciler is at work,
    so they stay as the object has them when this is written. `again` is the number of seconds after
    which to look again even without an event; None means only after an event. `extra` are further
    conditions, besides Ready, Reconciling and Stalled.
    """

    shape: Shape
    reason: Reason
    message: str
    status: Mapping[str, Any] = field(default_factory=dict)
    again: float | None = None
    extra: tuple[Mapping[str, Any], ...] = ()
    keeps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Requeue:
    """Nothing to report now: reconcile other objects first, and look again after `seconds`."""

    seconds: float = 0.0


class Interruption(Exception):  # noqa: N818 - it is no error
    """Ends a reconciliation early; `status` adds fields to the status that was there."""

    shape: Shape

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        again: float | None = None,
        status: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.again = again
        self.status = status or {}


class Waiting(Interruption):
    """Something will come by itself; an event about it, or `again`, starts the next look."""

    shape = "reconciling"


class Stalled(Interruption):
    """A user has to act; the message says what is wrong, where, and what to do."""

    shape = "stalled"


def interrupted(obj: Object, interruption: Interruption) -> Report:
    """The report of an interruption: status fields and other conditions stay what they were."""
    status = obj.get("status") or {}
    kept = {
        name: value
        for name, value in status.items()
        if name not in ("conditions", "observedGeneration")
    }
    others = [item for item in status.get("conditions") or () if item["type"] not in _SHAPED]
    return Report(
        interruption.shape,
        interruption.reason,
        interruption.message,
        {**kept, **interruption.status},
        interruption.again,
        tuple(others),
    )


async def publish(context: Context, obj: Object, report: Report) -> Object:
    """Write a report into an object's status, and an Event when it is news.

    Nothing is written when the status says it already. Raises Conflict when the object has changed
    meanwhile.
    """
    generation = obj["metadata"].get("generation", 1)
    old = obj.get("status") or {}
    shaped = [*_SHAPES[report.shape](report.reason, report.message, generation), *report.extra]
    status = {
        **report.status,
        **{name: old[name] for name in report.keeps if name in old},
        "observedGeneration": generation,
        "conditions": conditions.merge(old.get("conditions"), shaped, context.timestamp()),
    }
    if _is_news(old, report):
        severity: EventType = "Warning" if report.shape == "stalled" else "Normal"
        context.events.record(obj, severity, report.reason.value, report.message)
    return await context.cluster.swap_status(obj, status)


def _is_news(old: Object, report: Report) -> bool:
    """Whether a report deserves an Event: a new phase, or, where there are none, a new reason.

    An open Changeset changes its reason with many an edit, and ends with the one that it has.
    """
    if "phase" in report.status:
        return bool(old.get("phase") != report.status["phase"])
    before = conditions.find(old, ConditionType.READY)
    return before is None or before["reason"] != report.reason
