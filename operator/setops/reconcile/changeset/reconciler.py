"""Does what is due with a Changeset."""

from __future__ import annotations

from setops.api.changeset import ChangesetSpec, phase_of
from setops.api.kinds import Object, key_of
from setops.api.names import FINALIZER
from setops.reconcile.changeset import commit, opening, retention
from setops.reconcile.changeset.bounds import too_many
from setops.reconcile.changeset.due import Due, Situation, what_is_due
from setops.reconcile.changeset.ending import clean_up
from setops.reconcile.changeset.job import Job
from setops.reconcile.changeset.observation import is_decided
from setops.reconcile.changeset.queue import older_draft
from setops.reconcile.changeset.reporting import report_bare
from setops.reconcile.context import Context
from setops.reconcile.planner import BusyError
from setops.reconcile.report import Interruption, Requeue
from setops.reconcile.stage_around import expected_stage, is_deleting, stage_around


async def reconcile(context: Context, changeset: Object) -> Requeue | None:
    """Do what is due; Requeue says when to look again, None means only on events.

    A Changeset writes its status itself, since it does so several times during a commit.
    """
    try:
        around = stage_around(context, changeset["metadata"]["namespace"])
    except Interruption as interruption:
        return await _without_stage(context, changeset, interruption)
    job = Job(changeset, ChangesetSpec.model_validate(changeset["spec"]), around)
    situation = Situation(
        phase=job.phase,
        spec=job.spec,
        deleting=is_deleting(changeset),
        stage_deleting=is_deleting(around.stage),
        locked=job.spec.commit and older_draft(context.cluster, changeset) is not None,
        irrevocable=bool(job.status.get("irrevocable")) or is_decided(context, job),
    )
    due = what_is_due(situation)
    if due in (Due.PLAN, Due.DRY_RUN, Due.START):
        why = too_many(context.cluster, changeset)
        if why:
            return await opening.refuse_one_too_many(context, job, why)
    try:
        return await _do(context, job, due)
    except BusyError:
        return Requeue(context.memory.pace.put_off(key_of(changeset)))


async def _do(context: Context, job: Job, due: Due) -> Requeue | None:
    """Raises BusyError if a plan is needed that has to wait for others."""
    match due:
        case Due.PLAN:
            return await opening.show_plan(context, job)
        case Due.DRY_RUN:
            return await opening.show_plan_and_end(context, job)
        case Due.DISCARD:
            await opening.discard(context, job)
        case Due.START:
            return await commit.start(context, job)
        case Due.COMMIT:
            return await commit.resume(context, job)
        case Due.ROLL_BACK:
            return await commit.resume(context, job, cancelled=True)
        case Due.CLEAN_UP:
            await clean_up(context, job)
            if job.phase.finished:
                await retention.prune(context, job.namespace)
    return None


async def _without_stage(
    context: Context, changeset: Object, interruption: Interruption
) -> Requeue | None:
    context.memory.plans.pop(changeset["metadata"]["uid"], None)
    context.memory.held_up.pop(changeset["metadata"]["uid"], None)
    context.memory.contents.pop(changeset["metadata"]["uid"], None)
    if is_deleting(changeset) and not _has_stage(context, changeset["metadata"]["namespace"]):
        await context.cluster.remove_finalizer(changeset, FINALIZER)
        return None
    phase = phase_of(changeset)
    if not phase.finished:
        await report_bare(context, changeset, phase, interruption.reason, interruption.message)
    return None if interruption.again is None else Requeue(interruption.again)


def _has_stage(context: Context, namespace: str) -> bool:
    """Whether there is a Stage that will take the namespace, so that a commit can be ended well."""
    found = expected_stage(context, namespace)
    stage = context.cluster.get(found[1]) if found else None
    return stage is not None and not is_deleting(stage)
