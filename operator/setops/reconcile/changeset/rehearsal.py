"""The dry run of what a commit leads to: the child objects of the Apps that it writes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from setops.api.app import AppSpec
from setops.api.kinds import APP, Key, Object
from setops.changes.diff import Change
from setops.reconcile import app
from setops.reconcile.changeset.job import Job
from setops.reconcile.changeset.refusals import raise_refusals
from setops.reconcile.children import rehearse_own
from setops.reconcile.context import Context

NOT_YET: str = "00000000-0000-0000-0000-000000000000"
"""Stands for the uid of an App that is yet to be made."""


async def children(context: Context, job: Job, changes: Iterable[Change]) -> None:
    """Ask the API server whether it would take every child object. Raises FailedError."""
    wanted = [
        (change, child)
        for change in changes
        if isinstance(change.after, AppSpec)
        for child in _children(context, job, change, change.after)
    ]
    results = await asyncio.gather(
        *(rehearse_own(context.cluster, child) for _, child in wanted), return_exceptions=True
    )
    asked = [change for change, _ in wanted]
    raise_refusals(list(zip(asked, results, strict=True)))


def _children(context: Context, job: Job, change: Change, spec: AppSpec) -> Sequence[Object]:
    live = context.cluster.get(Key(APP, job.namespace, change.name))
    uid = str(live["metadata"]["uid"]) if live else NOT_YET
    return app.children(context, job.around, app.Identity(change.name, uid), spec)
