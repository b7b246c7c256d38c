"""What happens to a Changeset before its commit begins: plan, dry run, discard, queueing."""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Final

from setops.api import conditions
from setops.api.changeset import Phase
from setops.api.conditions import ConditionType, Reason
from setops.api.kinds import Object, key_of
from setops.api.section import SECTIONS
from setops.changes.git_ownership import tracker_of
from setops.changes.plan import Planned
from setops.changes.weight import stored_size
from setops.kube.cache import version_of
from setops.kube.errors import TooLarge
from setops.kube.trim import spec_size
from setops.reconcile import lock
from setops.reconcile.changeset.content import with_content
from setops.reconcile.changeset.ending import end
from setops.reconcile.changeset.job import POLL, Job, of_user, summary
from setops.reconcile.changeset.planning import Purpose, number_of_base, plan
from setops.reconcile.changeset.queue import older_draft, turn_of
from setops.reconcile.changeset.reporting import rendered, report
from setops.reconcile.context import Context
from setops.reconcile.pace import SHARE, cost_of_writing, is_expensive
from setops.reconcile.planner import BusyError
from setops.reconcile.report import Requeue
from setops.reconcile.revisions import latest_number
from setops.reconcile.stage_around import is_deleting

_PACED: Final = (
    f"waits to be planned: the open Changesets of a Stage take {SHARE:.0%} of one CPU at most"
)
_AFTER_OTHERS: Final = "waits to be planned: large plans are made one after another"


async def show_plan(context: Context, job: Job) -> Requeue | None:
    """Show what a commit would do, and what is wrong with it. Requeue: it isn't its turn yet.

    One behind an older one of its user isn't planned: it can't be committed as it is.
    """
    base = await number_of_base(context, job)
    older = older_draft(context.cluster, job.changeset)
    if older is not None:
        return await _show_locked(context, job, older, base)
    made_from = _inputs(context, job)
    key = key_of(job.changeset)
    if context.memory.shown.get(key) == made_from and _is_shown(job):
        return None
    later = await _wait_for_turn(context, job, base)
    if later is not None:
        return later
    job = await with_content(context, job)
    revision = latest_number(context.cluster, job.around.stage)
    planned = await _planned(context, job, base)
    if await _show(context, job, planned, base, revision):
        context.memory.shown[key] = made_from
        # Its user may have withdrawn the commit just when it had taken the lock.
        await lock.release(context, job.around.stage, job.changeset)
    return None


async def _planned(context: Context, job: Job, base: int | None) -> Planned:
    """The plan to be shown. Raises BusyError after it has said so."""
    try:
        return await plan(context, job if base is None else job.begun_at(base), Purpose.SHOW)
    except BusyError:
        await _say_it_waits(context, job, _AFTER_OTHERS, base)
        raise


async def _show(context: Context, job: Job, planned: Planned, base: int, revision: int) -> bool:
    """Whether the plan could be shown; if not, it has ended."""
    reason, message = Reason.OPEN, f"{planned.plan.summary}; set spec.commit to carry out"
    if planned.problems:
        reason, message = Reason.CHANGESET_INVALID, summary(planned.problems)
    try:
        await _tell(
            context,
            job,
            reason,
            message,
            plan=planned.plan.to_json(),
            errors=rendered(planned.problems) or None,
            baseRevision=base,
            plannedRevision=revision,
            turn=None,
        )
    except TooLarge:
        await refuse_size(context, job)
        return False
    return True


async def _show_locked(context: Context, job: Job, older: Object, base: int) -> Requeue | None:
    message = (
        f"can't be planned and committed while {of_user(older)}, which is older, is open on this "
        "Stage; commit or discard that one first"
    )
    left = 0.0 if _is_told(job, message) else _until_turn(context, job)
    if left:
        return Requeue(left)
    locked, none = Reason.CHANGESET_LOCKED, {"plan": None, "errors": None, "turn": None}
    await _tell(context, job, locked, message, baseRevision=base, **none)
    context.memory.shown.pop(key_of(job.changeset), None)
    await lock.release(context, job.around.stage, job.changeset)
    return None


async def _wait_for_turn(context: Context, job: Job, base: int | None) -> Requeue | None:
    """None when it may be planned now; otherwise its status says that it waits."""
    left = _until_turn(context, job)
    if not left:
        return None
    await _say_it_waits(context, job, _PACED, base)
    return Requeue(left)


def _until_turn(context: Context, job: Job) -> float:
    """Seconds until its Stage can pay for it; 0 if it can now."""
    return context.memory.pace.wait(key_of(job.changeset), job.generation)


async def _say_it_waits(context: Context, job: Job, message: str, base: int | None) -> None:
    """Say once why there is no plan yet; an older one of the same spec stays.

    One that is expensive to write says nothing until it has its plan: saying so would cost as much.
    """
    if _is_shown(job) or _says(job, message) or is_expensive(spec_size(job.changeset)):
        return
    none = {"plan": None, "errors": None}
    await _tell(context, job, Reason.PROGRESSING, message, baseRevision=base, **none)


async def _tell(context: Context, job: Job, reason: Reason, message: str, **fields: object) -> None:
    """Report on an open Changeset; its Stage pays for what is written."""
    told = await report(context, job, Phase.OPEN, reason, message, **fields)
    if version_of(told.changeset) != version_of(job.changeset):
        size = spec_size(job.changeset) + stored_size(told.status)
        context.memory.pace.charge(job.namespace, cost_of_writing(size))


def _says(job: Job, message: str) -> bool:
    """Whether its status says this already, of whatever generation."""
    ready = conditions.find(job.status, ConditionType.READY)
    return ready is not None and ready["message"] == message


def _is_told(job: Job, message: str) -> bool:
    """Whether its status says this of the spec as it is."""
    return _says(job, message) and job.status.get("observedGeneration") == job.generation


def _is_shown(job: Job) -> bool:
    """Whether the status shows the plan of the spec as it is."""
    plan = job.status.get("plan") or {}
    return bool(plan.get("generation") == job.generation == job.status.get("observedGeneration"))


def _inputs(context: Context, job: Job) -> Hashable:
    """What a plan is made from, in short; it differs after every change of that."""
    cluster, stage = context.cluster, job.around.stage
    running = lock.holder(cluster, stage, job.namespace)
    organization = job.around.organization_spec
    return (
        job.uid,
        job.changeset["metadata"].get("generation"),
        latest_number(cluster, stage),
        running and running["metadata"]["uid"],
        organization and organization.registry,
        frozenset(
            (
                obj["metadata"]["uid"],
                obj["metadata"].get("generation"),
                is_deleting(obj),
                tracker_of(obj),
                _held(obj),
            )
            for section in SECTIONS
            for obj in cluster.list(section.kind, job.namespace)
        ),
    )


def _held(obj: Object) -> int:
    """Stands for who holds which fields. A plan says which of them belong to Git."""
    return hash(json.dumps(obj["metadata"].get("managedFields"), sort_keys=True))


async def show_plan_and_end(context: Context, job: Job) -> Requeue | None:
    """A Changeset with `spec.dryRun`: make the plan, and nothing else."""
    later = await _wait_for_turn(context, job, None)
    if later is not None:
        return later
    job = await with_content(context, job)
    planned = await _planned(context, job, None)
    if planned.problems:
        await refuse(context, job, planned)
        return None
    await end(
        context,
        job,
        Phase.DISCARDED,
        Reason.PLANNED,
        f"dry run: {planned.plan.summary}",
        plan=planned.plan.to_json(),
    )
    return None


async def refuse_one_too_many(context: Context, job: Job, why: str) -> Requeue | None:
    """End a Changeset that comes when there are as many unfinished ones as may be.

    Its Stage pays for it, so that thousands of them are refused one after another, after all others
    had their turn: those that end by themselves may leave room for it. A commit is refused at once,
    since others would have to wait for it.
    """
    if not job.spec.commit:
        left = context.memory.pace.wait_last(key_of(job.changeset), job.generation)
        if left:
            return Requeue(left)
    await end(
        context,
        job,
        Phase.FAILED,
        Reason.CHANGESET_LOCKED,
        f"{why}; commit or discard some of them, then make this one again; nothing was changed",
        plan=None,
        errors=None,
    )
    context.memory.pace.charge(job.namespace, cost_of_writing(spec_size(job.changeset)))
    return None


async def discard(context: Context, job: Job) -> None:
    """End it; it has changed nothing."""
    await end(
        context,
        job,
        Phase.DISCARDED,
        Reason.DISCARDED,
        "discarded; nothing was changed",
    )


async def refuse(context: Context, job: Job, planned: Planned) -> None:
    """End a Changeset whose commands have errors; nothing was changed."""
    try:
        await end(
            context,
            job,
            Phase.FAILED,
            Reason.CHANGESET_INVALID,
            f"{summary(planned.problems)}; nothing was changed",
            errors=rendered(planned.problems),
            plan=None,
        )
    except TooLarge:
        await refuse_size(context, job)


async def refuse_size(context: Context, job: Job) -> None:
    """End a Changeset that leaves no room for its own status; nothing was changed."""
    size = spec_size(job.changeset)
    await end(
        context,
        job,
        Phase.FAILED,
        Reason.CHANGESET_INVALID,
        f"the Changeset is too large: it has {size} bytes, and with its plan and errors it would "
        "not fit into the 1.5 MiB that the API server stores; split it into several, or move "
        "large values into Secrets; nothing was changed",
        plan=None,
        errors=None,
    )


async def queue_plan(context: Context, job: Job) -> None:
    """Say that a commit, whose turn it is on its Stage, waits for the plans of other Stages."""
    turn = turn_of(job.changeset)
    await report(context, job, Phase.QUEUED, Reason.QUEUED, _AFTER_OTHERS, turn=turn)


async def queue(context: Context, job: Job, ahead: Object) -> Requeue:
    """Say which Changeset this one waits for. When that one ends, this one is reconciled again."""
    await report(
        context,
        job,
        Phase.QUEUED,
        Reason.QUEUED,
        f"waits for Changeset {of_user(ahead)}, which comes first on this Stage",
        turn=turn_of(job.changeset),
    )
    return Requeue(POLL)
