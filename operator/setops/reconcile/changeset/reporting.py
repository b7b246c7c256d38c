"""A Changeset's status: phase and step, and the conditions that follow from the phase."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from setops.api.changeset import Phase, Step
from setops.api.conditions import ConditionType, Reason, condition
from setops.api.errors import Code, Problem, Validator
from setops.api.kinds import Object
from setops.changes.plan import error_of
from setops.reconcile.changeset.job import Job
from setops.reconcile.context import Context
from setops.reconcile.report import Report, Shape, publish

_SHAPES: Final[Mapping[Phase, Shape]] = {
    Phase.OPEN: "open",
    Phase.QUEUED: "reconciling",
    Phase.APPLYING: "reconciling",
    Phase.ROLLING_BACK: "reconciling",
    Phase.COMMITTED: "ready",
    Phase.FAILED: "stalled",
    Phase.DISCARDED: "ready",
}
_MAX_ERROR: Final = 2000
_MAX_FIELD: Final = 500
"""Characters of one error."""
_MOST: Final = 1999
"""One less than a status lists, so that it can say how many more there are."""
_ROOM: Final = 200_000
"""Bytes of all errors together."""
_MADE_BY_PUBLISH: Final = ("conditions", "observedGeneration")


async def report(
    context: Context, job: Job, phase: Phase, reason: Reason, message: str, **fields: object
) -> Job:
    """Write phase, conditions and these fields; other fields stay. None removes a field.

    Returns the job with the Changeset as it is then. Raises Conflict when the Changeset has changed
    since it was read, so that a plan is never stored for a spec that was edited meanwhile.
    """
    written = await report_bare(context, job.changeset, phase, reason, message, **fields)
    return job.now_as(written)


async def report_bare(
    context: Context,
    changeset: Object,
    phase: Phase,
    reason: Reason,
    message: str,
    **fields: object,
) -> Object:
    """The same for a Changeset whose Stage isn't known."""
    generation = changeset["metadata"].get("generation", 1)
    old = changeset.get("status") or {}
    kept = {name: value for name, value in old.items() if name not in _MADE_BY_PUBLISH}
    status = {**kept, **fields, "phase": phase.value}
    if status.get("step") != old.get("step"):
        status["stepSince"] = context.timestamp() if status.get("step") else None
    if phase.finished:
        status.setdefault("finishedAt", context.timestamp())
    invalid = phase is Phase.OPEN and reason is Reason.CHANGESET_INVALID
    complete = phase is Phase.COMMITTED or reason is Reason.PLANNED
    ends = (
        condition(ConditionType.COMPLETE, complete, reason, message, generation),
        condition(ConditionType.FAILED, phase is Phase.FAILED, reason, message, generation),
    )
    shape = "stalled" if invalid else _SHAPES[phase]
    return await publish(context, changeset, Report(shape, reason, message, status, extra=ends))


async def enter(context: Context, job: Job, step: Step) -> Job:
    """Store the step that is about to be taken, once. Raises as `report` does."""
    if job.status.get("step") == step:
        return job
    reason, message = Reason.APPLYING, job.status["plan"]["summary"]
    if job.phase is Phase.ROLLING_BACK:
        reason, message = Reason.ROLLING_BACK, rolling_back(cause_of(job))
    return await report(context, job, job.phase, reason, message, step=step.value)


def rolling_back(cause: str) -> str:
    """What a Changeset says while it is rolled back."""
    return f"{cause}; the previous definition is being put back"


def cause_of(job: Job) -> str:
    """Why a Changeset is rolled back, according to its status; empty if that is lost."""
    errors = job.status.get("errors")
    return str(errors[0]["message"]) if errors else ""


def rendered(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems in the form that the status has, as many as it can hold, each in a readable length.

    What the API server refuses it may repeat in full, and a Changeset can have any number of
    errors. A status that can't be written would say nothing at all.
    """
    found: list[dict[str, Any]] = []
    room = _ROOM
    everything = list(problems)
    for problem in everything[:_MOST]:
        cut = replace(
            problem,
            field=_cut(problem.field, _MAX_FIELD),
            message=_cut(str(problem.message), _MAX_ERROR),
        )
        written = error_of(cut).to_json()
        room -= len(json.dumps(written))
        if room < 0:
            break
        found.append(written)
    if len(found) < len(everything):
        more = f"{len(everything) - len(found)} more errors; correct these first"
        found.append(
            error_of(Problem("", Validator.INVALID, more, Code.CHANGESET_INVALID)).to_json()
        )
    return found


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
