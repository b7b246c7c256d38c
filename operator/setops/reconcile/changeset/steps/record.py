"""Record: store the new definition as the Stage's next revision. Then the commit has succeeded."""

from __future__ import annotations

from setops.api.changeset import Step
from setops.reconcile import revisions
from setops.reconcile.changeset.job import Job
from setops.reconcile.changeset.observation import Commit
from setops.reconcile.changeset.reporting import enter
from setops.reconcile.context import Context


async def take(context: Context, commit: Commit) -> Job:
    """Store the revision, only once even after a kill. Raises as `revisions.store` does."""
    job = await enter(context, commit.job, Step.RECORD)
    cluster, stage, planned = context.cluster, job.around.stage, commit.planned
    number = max(int(job.status["previousRevision"]), revisions.latest_number(cluster, stage)) + 1
    author = revisions.Author(
        changeset=job.name,
        changeset_uid=job.uid,
        content_hash=planned.plan.content_hash,
        user=job.spec.user or "",
        message=job.spec.message or "",
    )
    await revisions.store(cluster, stage, number, planned.after, author)
    return job
