"""PointOfNoReturn: from here on data is deleted, and the commit can't be cancelled."""

from __future__ import annotations

from setops.api.changeset import Phase, Step
from setops.api.conditions import Reason
from setops.reconcile.changeset.entries import is_as_before
from setops.reconcile.changeset.job import FailedError, Job, named
from setops.reconcile.changeset.observation import Commit
from setops.reconcile.changeset.reporting import report
from setops.reconcile.context import Context


async def take(context: Context, commit: Commit) -> Job:
    """Store that it is passed. A cancel that came before still counts.

    Raises FailedError when somebody has edited what is to be deleted.
    """
    job = commit.job
    for change in commit.final:
        if not is_as_before(context.cluster, job.namespace, change):
            raise FailedError(f"{named(change)} was changed by somebody else while the commit ran")
    names = ", ".join(named(change) for change in commit.final)
    return await report(
        context,
        job,
        Phase.APPLYING,
        Reason.APPLYING,
        f"deletes {names}; from here on it can't be cancelled",
        step=Step.POINT_OF_NO_RETURN.value,
        irrevocable=True,
    )
