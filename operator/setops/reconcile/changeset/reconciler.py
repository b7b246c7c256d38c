"""Takes the step of a Changeset that is due."""

from __future__ import annotations

from setops.api.changeset import phase_of
from setops.api.kinds import Object
from setops.api.names import FINALIZER
from setops.reconcile.changeset import commit, lock, opening, rollback
from setops.reconcile.changeset.job import Job, clean_up
from setops.reconcile.changeset.planning import spec_of
from setops.reconcile.changeset.reporting import report
from setops.reconcile.changeset.state import Situation, Step, next_step
from setops.reconcile.context import Context
from setops.reconcile.places import is_deleting, stage_around
from setops.reconcile.report import Interruption


async def reconcile(context: Context, changeset: Object) -> float | None:
    """Take the step that is due; seconds after which to look again, None for only on events."""
    try:
        around = stage_around(context, changeset["metadata"]["namespace"])
    except Interruption as interruption:
        return await _without_stage(context, changeset, interruption)
    job = Job(changeset, spec_of(changeset), around)
    situation = Situation(
        phase=phase_of(changeset),
        spec=job.spec,
        deleting=is_deleting(changeset),
        stage_deleting=is_deleting(around.stage),
        locked=lock.locked_by(context.cluster, changeset) is not None,
        irrevocable=bool(job.status.get("irrevocable")) or commit.is_decided(context, job),
    )
    match next_step(situation):
        case Step.PLAN:
            await opening.show_plan(context, job)
        case Step.DRY_RUN:
            await opening.rehearse(context, job)
        case Step.DISCARD:
            await opening.discard(context, job)
        case Step.START:
            return await commit.start(context, job)
        case Step.APPLY:
            return await commit.go_on(context, job)
        case Step.ROLL_BACK:
            return await rollback.roll_back(context, job, rollback.CANCELLED)
        case Step.CLEAN_UP:
            await clean_up(context, job)
    return None


async def _without_stage(
    context: Context, changeset: Object, interruption: Interruption
) -> float | None:
    context.memory.plans.pop(changeset["metadata"]["uid"], None)
    if is_deleting(changeset):
        await context.cluster.remove_finalizer(changeset, FINALIZER)
        return None
    if not phase_of(changeset).finished:
        await report(
            context, changeset, phase_of(changeset), interruption.reason, interruption.message
        )
    return interruption.again
