"""What happens to a Changeset before its commit begins: plan, dry run, discard, queueing."""

from __future__ import annotations

from setops.api.changeset import Phase
from setops.api.conditions import Reason
from setops.api.kinds import Object
from setops.changes.plan import Planned
from setops.changes.weight import stored_size
from setops.kube.errors import TooLarge
from setops.reconcile import lock
from setops.reconcile.changeset.ending import end
from setops.reconcile.changeset.job import POLL, Job, of_user, summary
from setops.reconcile.changeset.planning import number_of_base, plan
from setops.reconcile.changeset.queue import older_draft, turn_of
from setops.reconcile.changeset.reporting import rendered, report
from setops.reconcile.context import Context
from setops.reconcile.report import Requeue


async def show_plan(context: Context, job: Job) -> None:
    """Show what a commit would do, and what is wrong with it."""
    base = await number_of_base(context, job)
    planned = await plan(context, job.begun_at(base))
    older = older_draft(context.cluster, job.changeset)
    if older is not None:
        reason = Reason.CHANGESET_LOCKED
        message = (
            f"can't be committed while {of_user(older)}, which is older, is open on this Stage; "
            "commit or discard that one first"
        )
    elif planned.problems:
        reason, message = Reason.CHANGESET_INVALID, summary(planned.problems)
    else:
        reason = Reason.OPEN
        message = f"{planned.plan.summary}; set spec.commit to carry out"
    try:
        await report(
            context,
            job,
            Phase.OPEN,
            reason,
            message,
            plan=planned.plan.to_json(),
            errors=rendered(planned.problems) or None,
            baseRevision=base,
            turn=None,
        )
    except TooLarge:
        await refuse_size(context, job)
        return
    # Its user may have withdrawn the commit just when it had taken the lock.
    await lock.release(context, job.around.stage, job.changeset)


async def show_plan_and_end(context: Context, job: Job) -> None:
    """A Changeset with `spec.dryRun`: make the plan, and nothing else."""
    planned = await plan(context, job)
    if planned.problems:
        await refuse(context, job, planned)
        return
    await end(
        context,
        job,
        Phase.DISCARDED,
        Reason.PLANNED,
        f"dry run: {planned.plan.summary}",
        plan=planned.plan.to_json(),
    )


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
    size = stored_size(job.changeset["spec"])
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
