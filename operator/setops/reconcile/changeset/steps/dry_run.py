"""DryRun: ask the API server whether it would take every write, before the first one is made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from setops.api.app import AppSpec
from setops.api.changeset import Step
from setops.api.kinds import APP, Key, Object
from setops.changes.diff import Change
from setops.desired.metadata import Owner
from setops.reconcile import app
from setops.reconcile.changeset.job import Job
from setops.reconcile.changeset.observation import Commit
from setops.reconcile.changeset.refusals import raise_refusals
from setops.reconcile.changeset.reporting import enter
from setops.reconcile.changeset.steps.write import write_all
from setops.reconcile.children import dry_run_own
from setops.reconcile.context import Context

NOT_YET: Final = "00000000-0000-0000-0000-000000000000"
"""Stands for the uid of an App that is yet to be made."""


async def take(context: Context, commit: Commit) -> Job:
    """Try every write, also those of the Apps' child objects. Raises FailedError."""
    job = commit.job
    await write_all(context, job, commit.planned.changes, dry_run=True)
    await _try_children(context, job, commit.planned.changes)
    return await enter(context, job, Step.WRITE)


async def _try_children(context: Context, job: Job, changes: Sequence[Change]) -> None:
    wanted = [
        (change, child)
        for change in changes
        if isinstance(change.after, AppSpec)
        for child in _children(context, job, change, change.after)
    ]
    results = await asyncio.gather(
        *(dry_run_own(context.cluster, child) for _, child in wanted), return_exceptions=True
    )
    asked = [change for change, _ in wanted]
    raise_refusals(list(zip(asked, results, strict=True)))


def _children(context: Context, job: Job, change: Change, spec: AppSpec) -> Sequence[Object]:
    live = context.cluster.get(Key(APP, job.namespace, change.name))
    owner = Owner.of(APP, live) if live else Owner(APP, change.name, NOT_YET)
    return app.children(context, job.around, owner, spec)
