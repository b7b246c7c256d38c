"""Revert: put back what the commit has changed; what others changed meanwhile is left alone."""

from __future__ import annotations

from typing import Final

from setops.api.changeset import Phase, Step
from setops.api.conditions import Reason
from setops.api.errors import Code, Problem, Validator
from setops.changes.diff import Change
from setops.kube.errors import ApiError, Conflict, Forbidden
from setops.reconcile.changeset.job import FailedError, Job, named
from setops.reconcile.changeset.observation import Commit
from setops.reconcile.changeset.patience import HeldUpError
from setops.reconcile.changeset.planning import way_back
from setops.reconcile.changeset.reporting import enter, rendered, report, rolling_back
from setops.reconcile.changeset.writes import EditedError, NotYetError, revert
from setops.reconcile.context import Context
from setops.reconcile.stage_around import is_deleting

CANCELLED: Final = "cancelled"


async def take(context: Context, commit: Commit) -> Job:
    """Begin the rollback, or carry it out once it has begun.

    Nothing is put back in a Stage that is being deleted, since everything in it is deleted as well.
    Raises HeldUpError while something can't be put back.
    """
    job = commit.job
    if job.phase is Phase.APPLYING:
        return await begin(context, job, FailedError(commit.view.failure or CANCELLED))
    if not is_deleting(job.around.stage):
        await _revert_all(context, job, await way_back(context, job) or ())
    return await enter(context, job, Step.FINISH)


async def begin(context: Context, job: Job, failure: FailedError) -> Job:
    """Start the rollback. The status keeps its cause until the end."""
    problems = failure.problems or (
        Problem("", Validator.INVALID, failure.message, Code.COMMIT_FAILED),
    )
    return await report(
        context,
        job,
        Phase.ROLLING_BACK,
        Reason.ROLLING_BACK,
        rolling_back(failure.message),
        step=Step.REVERT.value,
        errors=rendered(problems),
    )


async def _revert_all(context: Context, job: Job, changes: tuple[Change, ...]) -> None:
    """Put back what can be, so that one resource doesn't hold up the others.

    Raises HeldUpError for those that can't be put back now.
    """
    left: list[str] = []
    for change in changes:
        try:
            await revert(context.cluster, change, job.changeset)
        except EditedError:
            continue
        except Forbidden as error:
            if not error.namespace_terminating:
                left.append(f"{named(change)}: {error.message}")
        except Conflict:
            raise
        except (ApiError, NotYetError) as error:
            left.append(f"{named(change)}: {getattr(error, 'message', error)}")
    if left:
        raise HeldUpError("; ".join(left))
