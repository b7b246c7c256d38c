"""Ends a commit or a rollback that has come to nothing for too long, and says what stays."""

from __future__ import annotations

from setops.api.changeset import Phase, Step
from setops.api.conditions import Reason
from setops.reconcile.changeset.ending import end
from setops.reconcile.changeset.entries import is_done
from setops.reconcile.changeset.job import FailedError, Job, named
from setops.reconcile.changeset.observation import Commit
from setops.reconcile.changeset.patience import HeldUpError
from setops.reconcile.changeset.reporting import cause_of
from setops.reconcile.changeset.steps import revert
from setops.reconcile.context import Context


async def give_up(context: Context, job: Job, reason: str) -> Job | None:
    """Begin the rollback, or end the Changeset where nothing can be put back any more.

    Returns the job of the rollback, None at the end. What stays is recorded as a direct edit.
    """
    if job.phase is Phase.ROLLING_BACK:
        message = f"{cause_of(job)}; not everything could be put back: {reason}"
    elif job.status.get("irrevocable"):
        message = (
            f"{reason}; the commit has begun to delete data, so what it has changed stays as it is"
        )
    else:
        return await revert.begin(context, job, FailedError(reason))
    await end(context, job, Phase.FAILED, Reason.COMMIT_FAILED, message, progress=None)
    return None


def without_effect(context: Context, commit: Commit, step: Step) -> HeldUpError:
    """What to say of a step that was taken and changed nothing that is seen.

    Either the cache is behind, or something puts back what is written.
    """
    if commit.known_plan is None:
        return HeldUpError(f"the step {step} has no effect")
    undone = [
        named(change)
        for change in commit.planned.changes
        if not is_done(context.cluster, commit.job.namespace, change)
    ]
    what = ", ".join(undone[:5]) or "what was written"
    return HeldUpError(f"{what} is not as it was written; does something put it back?")
