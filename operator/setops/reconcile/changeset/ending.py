"""How a Changeset ends: it says so, then frees the Stage's lock."""

from __future__ import annotations

from setops.api.changeset import Phase
from setops.api.conditions import Reason
from setops.api.kinds import key_of
from setops.api.names import FINALIZER
from setops.reconcile import lock
from setops.reconcile.changeset.job import Job
from setops.reconcile.changeset.reporting import report
from setops.reconcile.context import Context


async def end(
    context: Context, job: Job, phase: Phase, reason: Reason, message: str, **fields: object
) -> None:
    """Say how it ended, then free the lock and remove the finalizer."""
    job = await report(context, job, phase, reason, message, step=None, **fields)
    await clean_up(context, job)


async def clean_up(context: Context, job: Job) -> None:
    """Free the lock and remove the finalizer, if the Changeset still has them."""
    context.memory.plans.pop(job.uid, None)
    context.memory.held_up.pop(job.uid, None)
    context.memory.contents.pop(job.uid, None)
    context.memory.close(key_of(job.changeset))
    stage = context.cluster.get(job.around.key) or job.around.stage
    await lock.release(context, stage, job.changeset)
    await context.cluster.remove_finalizer(job.changeset, FINALIZER)
