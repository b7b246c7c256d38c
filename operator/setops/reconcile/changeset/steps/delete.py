"""Delete: delete the Services that hold data, after the point of no return."""

from __future__ import annotations

from setops.api.changeset import Step
from setops.reconcile.changeset.job import Job
from setops.reconcile.changeset.observation import Commit
from setops.reconcile.changeset.reporting import enter
from setops.reconcile.changeset.writes import delete_for_good
from setops.reconcile.context import Context


async def take(context: Context, commit: Commit) -> Job:
    """Ask for the deletion of each. The commit doesn't wait until AWS has deleted it."""
    job = await enter(context, commit.job, Step.DELETE)
    for change in commit.final:
        await delete_for_good(context.cluster, job.namespace, change)
    return job
