"""Wait: until every changed resource is ready, and say what the commit waits for."""

from __future__ import annotations

from setops.api.changeset import Phase, Progress, Step
from setops.api.conditions import Reason
from setops.api.service import ServiceSpec
from setops.reconcile import lock
from setops.reconcile.changeset.job import POLL, Job, named
from setops.reconcile.changeset.machine import Awaited
from setops.reconcile.changeset.observation import Commit
from setops.reconcile.changeset.readiness import is_ready
from setops.reconcile.changeset.reporting import report
from setops.reconcile.context import Context
from setops.reconcile.report import Requeue


async def take(context: Context, commit: Commit) -> Requeue:
    """Show the progress, in the Changeset and on the Stage's lock."""
    awaited = commit.view.awaited
    if awaited is None:
        raise ValueError(f"Changeset {commit.job.name!r} waits for nothing")
    return await wait_for(context, commit, awaited, Step.WAIT)


async def wait_for(context: Context, commit: Commit, awaited: Awaited, step: Step) -> Requeue:
    """As `take`, for a wait that only showed when a step was tried; the status shows `step`."""
    await _show_on_lock(context, commit.job, awaited)
    changes = commit.planned.changes
    ready = sum(is_ready(context.cluster, commit.job.namespace, change) for change in changes)
    progress = Progress(done=ready, total=len(changes), waiting_for=awaited.message)
    await report(
        context,
        commit.job,
        Phase.APPLYING,
        Reason.APPLYING,
        f"{commit.planned.plan.summary} ({ready}/{len(changes)})",
        step=step.value,
        progress=progress.to_json(),
    )
    return Requeue(POLL)


async def _show_on_lock(context: Context, job: Job, awaited: Awaited) -> None:
    if awaited.change is None:
        return
    # An App's message changes with each of its containers, which is of no interest on the lock.
    is_service = isinstance(awaited.change.after, ServiceSpec)
    message = awaited.message if is_service else named(awaited.change)
    await lock.show_wait(context, job.around.stage, job.changeset, message)
