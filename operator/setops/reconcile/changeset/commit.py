"""Carries a commit or its rollback out, step after step."""

from __future__ import annotations

from setops.api.changeset import Phase, Step
from setops.api.conditions import Reason
from setops.api.kinds import key_of
from setops.api.names import FINALIZER
from setops.changes.digest import content_hash
from setops.kube.errors import TooLarge
from setops.reconcile import edits, lock, revisions
from setops.reconcile.changeset.ending import end
from setops.reconcile.changeset.job import POLL, FailedError, Job
from setops.reconcile.changeset.machine import Awaited, next_step
from setops.reconcile.changeset.observation import Commit, observe
from setops.reconcile.changeset.opening import queue, refuse, refuse_size
from setops.reconcile.changeset.planning import plan
from setops.reconcile.changeset.queue import ahead
from setops.reconcile.changeset.reporting import report
from setops.reconcile.changeset.steps import ACTIONS, revert, wait
from setops.reconcile.changeset.writes import NotYetError
from setops.reconcile.context import Context
from setops.reconcile.report import Requeue


async def start(context: Context, job: Job) -> Requeue | None:
    """Take the Stage's lock and plan for good; the status then holds all that a restart needs."""
    cluster, stage = context.cluster, job.around.stage
    done = await revisions.recorded(cluster, stage, job.name, content_hash(job.spec))
    if done is not None:
        await end(
            context,
            job,
            Phase.COMMITTED,
            Reason.COMMITTED,
            f"the same Changeset was committed before, as revision {done}; nothing was changed",
            revision=done,
        )
        return None
    first = ahead(cluster, stage, job.changeset)
    if first is not None:
        return await queue(context, job, first)
    # Only now that it is our turn: another commit's half-written changes must not be planned over.
    planned = await plan(context, job)
    if planned.problems:
        await refuse(context, job, planned)
        return None
    await lock.take(context, stage, job.changeset)
    # The lock is ours: nobody else commits from here on, so this is the plan that counts.
    previous = await edits.record(cluster, stage, job.namespace, planned.before)
    context.memory.begun[key_of(job.changeset)] = previous
    job = job.now_as(await cluster.add_finalizer(job.changeset, FINALIZER))
    try:
        job = await report(
            context,
            job,
            Phase.APPLYING,
            Reason.APPLYING,
            planned.plan.summary,
            step=Step.DRY_RUN.value,
            plan=planned.plan.to_json(),
            errors=None,
            baseRevision=job.status.get("baseRevision", previous),
            previousRevision=previous,
            startedAt=context.timestamp(),
        )
    except TooLarge:
        await refuse_size(context, job)
        return None
    context.memory.plans[job.uid] = planned
    return await resume(context, job)


async def resume(context: Context, job: Job, *, cancelled: bool = False) -> Requeue | None:
    """Take one step after another until the commit has to wait or has ended.

    It doesn't matter whether the commit began before a restart of the operator. `cancelled`: its
    user cancels it, or the Stage is being deleted.
    """
    last: Step | None = None
    while True:
        commit = await observe(context, job, cancelled=cancelled)
        step = next_step(commit.view)
        outcome = await _take(context, commit, step)
        if not isinstance(outcome, Job):
            return outcome
        if step is last and outcome == job:
            return Requeue(POLL)  # the cache doesn't show yet what was done
        last, job = step, outcome


async def _take(context: Context, commit: Commit, step: Step) -> Job | Requeue | None:
    try:
        return await ACTIONS[step](context, commit)
    except FailedError as failure:
        return await revert.begin(context, commit.job, failure)
    except NotYetError as waiting:
        shown = Step.DRY_RUN if step is Step.DRY_RUN else Step.WAIT
        return await wait.wait_for(context, commit, Awaited(str(waiting)), shown)
