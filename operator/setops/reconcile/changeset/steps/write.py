"""Write: create, change and delete Apps, Services and Notifications as the plan says.

What can't be undone, deleting a Service that holds data, comes later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from setops.api.changeset import Step
from setops.changes.diff import Change
from setops.reconcile.changeset import writes
from setops.reconcile.changeset.job import Job
from setops.reconcile.changeset.observation import Commit
from setops.reconcile.changeset.refusals import raise_refusals
from setops.reconcile.changeset.reporting import enter
from setops.reconcile.context import Context


async def take(context: Context, commit: Commit) -> Job:
    """Write what is missing. Raises FailedError with every refusal, and NotYetError."""
    job = await enter(context, commit.job, Step.WRITE)
    await write_all(context, job, commit.revocable, dry_run=False)
    return job


async def write_all(
    context: Context, job: Job, changes: Sequence[Change], *, dry_run: bool
) -> None:
    """Section by section in the plan's order; within a section at once. Raises as `take` does."""
    for section in dict.fromkeys(change.section for change in changes):
        batch = [change for change in changes if change.section is section]
        results = await asyncio.gather(
            *(
                writes.write(context.cluster, job.namespace, change, dry_run=dry_run)
                for change in batch
            ),
            return_exceptions=True,
        )
        raise_refusals(list(zip(batch, results, strict=True)))
