"""Finish: say how the Changeset ended, and free the Stage."""

from __future__ import annotations

import logging
from typing import Final

from setops.api.changeset import Phase, Progress
from setops.api.conditions import Reason
from setops.api.errors import enumerated
from setops.kube.errors import ApiError
from setops.reconcile import history, revisions
from setops.reconcile.changeset.ending import end
from setops.reconcile.changeset.entries import is_done
from setops.reconcile.changeset.job import Job, named
from setops.reconcile.changeset.observation import Commit
from setops.reconcile.changeset.planning import way_back
from setops.reconcile.changeset.reporting import cause_of
from setops.reconcile.context import Context
from setops.reconcile.stage_around import is_deleting

_ALL: Final = "all was put back"
_MAX_LEFT: Final = 20

_log = logging.getLogger(__name__)


async def take(context: Context, commit: Commit) -> None:
    """End it Committed, or Failed after a rollback.

    Everything comes from the status and the revisions, so it does the same after a kill.
    """
    if commit.job.phase is Phase.ROLLING_BACK:
        await _failed(context, commit.job)
    else:
        await _committed(context, commit.job)


async def _committed(context: Context, job: Job) -> None:
    cluster, stage = context.cluster, job.around.stage
    number = revisions.made_by(cluster, stage, job.uid) or int(job.status["previousRevision"])
    await _prune(context, job)
    plan = job.status["plan"]
    total = len(plan.get("changes") or ())
    await end(
        context,
        job,
        Phase.COMMITTED,
        Reason.COMMITTED,
        f"committed as revision {number}: {plan['summary']}",
        progress=Progress(done=total, total=total).to_json(),
        revision=number,
    )


async def _prune(context: Context, job: Job) -> None:
    stage = job.around.stage
    try:
        await history.prune(context, stage, job.namespace)
    except ApiError as error:
        # It has succeeded all the same. The next edit or commit prunes again.
        _log.warning("Revisions of Stage %s are not pruned: %s", stage["metadata"]["name"], error)


async def _failed(context: Context, job: Job) -> None:
    await end(
        context,
        job,
        Phase.FAILED,
        Reason.COMMIT_FAILED,
        f"{cause_of(job)}; {await _what_was_put_back(context, job)}",
        progress=None,
    )


async def _what_was_put_back(context: Context, job: Job) -> str:
    if is_deleting(job.around.stage):
        return _ALL
    changes = await way_back(context, job)
    if changes is None:
        return (
            f"revision {job.status['previousRevision']}, from which it started, is gone, so "
            "what it had changed stays; look at the plan for what that may be"
        )
    left = [named(each) for each in changes if not is_done(context.cluster, job.namespace, each)]
    if not left:
        return _ALL
    shown = enumerated(left, _MAX_LEFT)
    return f"{_ALL}, except what somebody else has changed meanwhile: {shown}"
