"""The commit: lock, plan for good, rehearse, write, wait, pass the point of no return, record.

Each step looks at what is there and does only what is still missing, so it may be taken again
after a kill at any moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from setops.api.changeset import Phase, Progress
from setops.api.conditions import Reason
from setops.api.definition import StageDefinition
from setops.api.names import FINALIZER
from setops.api.service import ServiceSpec
from setops.changes.diff import Change, is_final
from setops.changes.digest import content_hash
from setops.kube.errors import TooLarge
from setops.reconcile import revisions
from setops.reconcile.changeset import entries, lock, rehearsal, rollback
from setops.reconcile.changeset.deadline import Clock, is_overdue
from setops.reconcile.changeset.entries import NotYetError
from setops.reconcile.changeset.job import POLL, FailedError, Job, end, named
from setops.reconcile.changeset.opening import queue, refuse, refuse_size
from setops.reconcile.changeset.planning import Planned, plan
from setops.reconcile.changeset.refusals import raise_refusals
from setops.reconcile.changeset.reporting import report
from setops.reconcile.context import Context


async def start(context: Context, job: Job) -> float | None:
    """Take the Stage's lock and plan for good; the status then holds all that a restart needs."""
    cluster = context.cluster
    stage = job.around.stage
    done = await revisions.recorded(cluster, stage, job.name, content_hash(job.spec))
    if done is not None:
        await end(
            context,
            job,
            Phase.COMMITTED,
            Reason.CHANGESET_COMMITTED,
            f"the same Changeset was committed before, as revision {done}; nothing was changed",
            revision=done,
        )
        return None
    ahead = lock.ahead(cluster, stage, job.changeset)
    if ahead is not None:
        return await queue(context, job, ahead)
    # Not before it is our turn: what another commit has written so far is no state to plan over.
    planned = await plan(context, job.changeset, job.around)
    if planned.problems:
        await refuse(context, job, planned)
        return None
    await lock.take(context, stage, job.changeset)
    # The lock is ours: nobody else commits from here on, so this is the plan that counts.
    previous = await _previous_revision(context, job, planned.before)
    changeset = await cluster.add_finalizer(job.changeset, FINALIZER)
    try:
        changeset = await report(
            context,
            changeset,
            Phase.APPLYING,
            Reason.CHANGESET_APPLYING,
            planned.plan.summary,
            plan=planned.plan.to_json(),
            errors=None,
            baseRevision=job.status.get("baseRevision", previous),
            previousRevision=previous,
            startedAt=context.timestamp(),
        )
    except TooLarge:
        await refuse_size(context, job.now_as(changeset))
        return None
    return await _apply(context, job.now_as(changeset), planned)


async def go_on(context: Context, job: Job) -> float | None:
    """Go on with a commit that has begun, here or in an earlier life of the operator."""
    if is_decided(context, job):
        await _finish(context, job)
        return None
    resumed = await rollback.resume(context, job)
    if isinstance(resumed, str):
        return await rollback.fail(context, job, FailedError(resumed))
    return await _apply(context, job, resumed)


def is_decided(context: Context, job: Job) -> bool:
    """Whether the commit's revision is recorded: from that moment on it has succeeded, and what
    comes later, a cancel or an edit, comes after it."""
    return revisions.made_by(context.cluster, job.around.stage, job.uid) is not None


async def _previous_revision(context: Context, job: Job, before: StageDefinition) -> int:
    """The revision that holds the definition as it was; direct edits become one of their own."""
    cluster, stage = context.cluster, job.around.stage
    if not revisions.is_recorded(cluster, stage, before):
        author = entries.last_editor(cluster, job.namespace)
        await revisions.store(
            cluster, stage, revisions.latest_number(cluster, stage) + 1, before, author
        )
    return revisions.latest_number(cluster, stage)


async def _apply(context: Context, job: Job, planned: Planned) -> float | None:
    """Write what the plan says, wait until it runs, then end; on failure put everything back."""
    try:
        if not _begun(context, job, planned):
            await _write_all(context, job, planned.changes, dry_run=True)
            await rehearsal.children(context, job, planned.changes)
        return await _carry_out(context, job, planned)
    except FailedError as failure:
        return await rollback.fail(context, job, failure)
    except NotYetError as waiting:
        return await _wait(context, job, planned, str(waiting))


def _begun(context: Context, job: Job, planned: Planned) -> bool:
    """Whether anything was written already; until then it is rehearsed whole."""
    return any(entries.is_done(context.cluster, job.namespace, each) for each in planned.changes)


async def _carry_out(context: Context, job: Job, planned: Planned) -> float | None:
    cluster, namespace = context.cluster, job.namespace
    last = [change for change in planned.changes if is_final(change)]
    if not job.status.get("irrevocable"):
        first = [change for change in planned.changes if not is_final(change)]
        await _write_all(context, job, first, dry_run=False)
        pending = [c for c in first if not entries.is_ready(cluster, namespace, c)]
        clock = Clock(job.status["startedAt"], context.now(), job.spec.timeout, planned.changes)
        for change in pending:
            is_stalled, said = entries.verdict(cluster, namespace, change)
            if is_stalled:
                raise FailedError(f"{named(change)}: {said}")
            if is_overdue(cluster, namespace, clock, change):
                raise FailedError(f"{named(change)} did not become ready in time: {said}")
        if pending:
            awaited = pending[0]
            _, said = entries.verdict(cluster, namespace, awaited)
            told = f"{named(awaited)}: {said}"
            # An App's word changes with each of its containers; that is no matter of the lock.
            is_service = isinstance(awaited.after, ServiceSpec)
            await lock.tell(
                context, job.around.stage, job.changeset, told if is_service else named(awaited)
            )
            return await _wait(context, job, planned, told)
    if last:
        job = await _pass_point_of_no_return(context, job, last)
        for change in last:
            await entries.finish_off(cluster, namespace, change)
    await _record(context, job, planned)
    await _finish(context, job)
    return None


async def _pass_point_of_no_return(context: Context, job: Job, last: Sequence[Change]) -> Job:
    """From here on data is deleted; a cancel that has come before is still heeded.

    Raises FailedError when somebody has edited what is to be deleted.
    """
    if job.status.get("irrevocable"):
        return job
    for change in last:
        if not entries.is_as_before(context.cluster, job.namespace, change):
            raise FailedError(f"{named(change)} was changed by somebody else while the commit ran")
    names = ", ".join(named(change) for change in last)
    changeset = await report(
        context,
        job.changeset,
        Phase.APPLYING,
        Reason.CHANGESET_APPLYING,
        f"deletes {names}; from here on it can't be cancelled",
        irrevocable=True,
    )
    return job.now_as(changeset)


async def _write_all(
    context: Context, job: Job, changes: Sequence[Change], *, dry_run: bool
) -> None:
    """Section by section in the plan's order; within a section at once.

    Raises FailedError with every refusal, and NotYetError.
    """
    for section in dict.fromkeys(change.section for change in changes):
        batch = [change for change in changes if change.section is section]
        results = await asyncio.gather(
            *(
                entries.write(context.cluster, job.namespace, change, dry_run=dry_run)
                for change in batch
            ),
            return_exceptions=True,
        )
        raise_refusals(list(zip(batch, results, strict=True)))


async def _wait(context: Context, job: Job, planned: Planned, waiting_for: str) -> float | None:
    ready = sum(
        entries.is_ready(context.cluster, job.namespace, change) for change in planned.changes
    )
    progress = Progress(done=ready, total=len(planned.changes), waiting_for=waiting_for)
    await report(
        context,
        job.changeset,
        Phase.APPLYING,
        Reason.CHANGESET_APPLYING,
        f"{planned.plan.summary} ({ready}/{len(planned.changes)})",
        progress=progress.to_json(),
    )
    return POLL


async def _record(context: Context, job: Job, planned: Planned) -> None:
    """Store the revision, once also after a kill; a commit that changes nothing makes none."""
    cluster, stage = context.cluster, job.around.stage
    if not planned.changes or is_decided(context, job):
        return
    number = max(int(job.status["previousRevision"]), revisions.latest_number(cluster, stage)) + 1
    author = revisions.Author(
        changeset=job.name,
        changeset_uid=job.uid,
        content_hash=planned.plan.content_hash,
        user=job.spec.user or "",
        message=job.spec.message or "",
    )
    await revisions.store(cluster, stage, number, planned.after, author)


async def _finish(context: Context, job: Job) -> None:
    """Say Committed, and let go of the lock; by what the status says, so also after a kill."""
    cluster, stage = context.cluster, job.around.stage
    number = revisions.made_by(cluster, stage, job.uid) or int(job.status["previousRevision"])
    await revisions.prune(cluster, stage)
    plan_ = job.status["plan"]
    total = len(plan_.get("changes") or ())
    await end(
        context,
        job,
        Phase.COMMITTED,
        Reason.CHANGESET_COMMITTED,
        f"committed as revision {number}: {plan_['summary']}",
        progress=Progress(done=total, total=total).to_json(),
        revision=number,
    )
