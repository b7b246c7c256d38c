"""Carries a commit or its rollback out, step after step."""

from __future__ import annotations

import logging

from setops.api.changeset import Phase, Step
from setops.api.conditions import Reason
from setops.api.kinds import key_of
from setops.api.names import FINALIZER
from setops.changes.digest import content_hash
from setops.changes.plan import Planned
from setops.fence import FencedError
from setops.kube.errors import TooLarge
from setops.reconcile import edits, lock, revisions
from setops.reconcile.changeset import patience
from setops.reconcile.changeset.bounds import is_overfull
from setops.reconcile.changeset.content import with_content
from setops.reconcile.changeset.ending import end
from setops.reconcile.changeset.giving_up import give_up, without_effect
from setops.reconcile.changeset.job import FailedError, Job
from setops.reconcile.changeset.machine import Awaited, next_step
from setops.reconcile.changeset.observation import Commit, is_decided, observe
from setops.reconcile.changeset.opening import queue, queue_plan, refuse, refuse_size
from setops.reconcile.changeset.planning import plan
from setops.reconcile.changeset.queue import ahead
from setops.reconcile.changeset.reporting import report
from setops.reconcile.changeset.steps import ACTIONS, revert, wait
from setops.reconcile.changeset.writes import NotYetError
from setops.reconcile.context import Context
from setops.reconcile.live import live_definition
from setops.reconcile.planner import BusyError
from setops.reconcile.report import Requeue

_log = logging.getLogger(__name__)


async def start(context: Context, job: Job) -> Requeue | None:
    """Take the Stage's lock and plan for good; then take one step after another.

    Raises BusyError.
    """
    try:
        begun = await _begin(context, job)
    except FencedError:
        raise  # nothing can be told any more
    except BusyError:
        await queue_plan(context, patience.as_stored(context, job))
        raise
    except Exception as error:
        if not patience.is_over(context, job, error):
            return await patience.wait(context, patience.as_stored(context, job), error)
        _log.exception("Changeset %s can't begin", job.name)
        reason = f"{patience.cause(error)}; nothing was changed"
        await end(
            context,
            patience.as_stored(context, job),
            Phase.FAILED,
            Reason.COMMIT_FAILED,
            reason,
        )
        return None
    patience.progressed(context, job)
    return await resume(context, begun) if isinstance(begun, Job) else begun


async def _begin(context: Context, job: Job) -> Job | Requeue | None:
    """The Changeset with a status that holds all that a restart needs, if it is its turn."""
    cluster, stage = context.cluster, job.around.stage
    if is_overfull(job.changeset):
        await refuse_size(context, job)
        return None
    first = ahead(cluster, stage, job.changeset)
    if first is not None and job.phase is Phase.QUEUED:
        return await queue(context, job, first)
    job = await with_content(context, job)
    if await _was_committed(context, job):
        return None
    if first is not None:
        return await queue(context, job, first)
    # Only now that it is our turn: another commit's half-written changes must not be planned over.
    planned = await plan(context, job)
    if planned.problems:
        await refuse(context, job, planned)
        return None
    # Making the plan may have taken a while, in which others went on.
    if live_definition(cluster, job.namespace) != planned.before:
        return Requeue()
    return await _lock(context, job, planned)


async def _lock(context: Context, job: Job, planned: Planned) -> Job | None:
    """Take the Stage's lock and store the plan; None if there is no room for it."""
    cluster, stage = context.cluster, job.around.stage
    await lock.take(context, cluster.get(key_of(stage)) or stage, job.changeset)
    # The lock is ours: nobody else commits from here on, so this is the plan that counts.
    previous = await edits.record(context, stage, job.namespace, planned.before)
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
            turn=None,
            baseRevision=job.status.get("baseRevision", previous),
            previousRevision=previous,
            startedAt=context.timestamp(),
        )
    except TooLarge:
        await refuse_size(context, job)
        return None
    context.memory.plans[job.uid] = planned
    return job


async def _was_committed(context: Context, job: Job) -> bool:
    """Whether the same Changeset was committed before; then it has ended."""
    stage, content = job.around.stage, content_hash(job.spec)
    done = await revisions.recorded(context.cluster, stage, job.name, content)
    if done is None:
        return False
    await end(
        context,
        job,
        Phase.COMMITTED,
        Reason.COMMITTED,
        f"the same Changeset was committed before, as revision {done}; nothing was changed",
        revision=done,
    )
    return True


async def resume(context: Context, job: Job, *, cancelled: bool = False) -> Requeue | None:
    """Take one step after another until the commit has to wait or has ended.

    It doesn't matter whether the commit began before a restart of the operator. `cancelled`: its
    user cancels it, or the Stage is being deleted. Raises BusyError.
    """
    job = await with_content(context, job)
    last: Step | None = None
    while True:
        try:
            step, outcome = await _next(context, job, last, cancelled=cancelled)
        except (FencedError, BusyError):
            raise  # neither of them is the commit's own trouble
        except Exception as error:
            stored, step = patience.as_stored(context, job), None
            if stored.phase.finished:
                raise  # what its conditions say of its end stays
            if not patience.is_over(context, stored, error) or is_decided(context, stored):
                return await patience.wait(context, stored, error)
            _log.exception("Changeset %s gives up", job.name)
            outcome = await give_up(context, stored, patience.cause(error))
        if outcome != job:
            patience.progressed(context, job)
        if not isinstance(outcome, Job):
            return outcome
        last, job = step, outcome


async def _next(
    context: Context, job: Job, last: Step | None, *, cancelled: bool
) -> tuple[Step, Job | Requeue | None]:
    """Take the step that is due; it and its outcome. Raises HeldUpError if it has no effect."""
    commit = await observe(context, job, cancelled=cancelled)
    step = next_step(commit.view)
    outcome = await _take(context, commit, step)
    if step is last and outcome == job:
        raise without_effect(context, commit, step)
    return step, outcome


async def _take(context: Context, commit: Commit, step: Step) -> Job | Requeue | None:
    try:
        return await ACTIONS[step](context, commit)
    except FailedError as failure:
        return await revert.begin(context, commit.job, failure)
    except NotYetError as waiting:
        shown = Step.DRY_RUN if step is Step.DRY_RUN else Step.WAIT
        return await wait.wait_for(context, commit, Awaited(str(waiting)), shown)
