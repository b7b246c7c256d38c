"""The way back: what a commit changed is put back, and the Changeset ends Failed."""

from __future__ import annotations

from typing import Final

from setops.api.changeset import Phase
from setops.api.conditions import Reason
from setops.api.definition import StageDefinition, of_entries
from setops.api.errors import Code, Problem, Validator
from setops.api.section import SECTIONS, Entry, Section, section_of
from setops.changes.diff import Change, diff
from setops.kube.errors import Forbidden
from setops.reconcile import revisions
from setops.reconcile.changeset import entries
from setops.reconcile.changeset.entries import EditedError, NotYetError
from setops.reconcile.changeset.job import POLL, FailedError, Job, end
from setops.reconcile.changeset.planning import Ground, Planned, plan_over
from setops.reconcile.changeset.reporting import rendered, report
from setops.reconcile.context import Context
from setops.reconcile.places import is_deleting

CANCELLED: Final = "cancelled"


async def fail(context: Context, job: Job, failure: FailedError) -> float | None:
    """From here on the commit is undone; the reason is kept for the end."""
    problems = failure.problems or (
        Problem("", Validator.INVALID, failure.message, Code.COMMIT_FAILED),
    )
    changeset = await report(
        context,
        job.changeset,
        Phase.ROLLING_BACK,
        Reason.CHANGESET_ROLLING_BACK,
        f"{failure.message}; the previous definition is being put back",
        errors=rendered(problems),
    )
    return await roll_back(context, job.now_as(changeset), failure.message)


async def roll_back(context: Context, job: Job, cause: str) -> float | None:
    """Put back what the commit changed; what others changed meanwhile is left alone."""
    if job.status.get("phase") == Phase.APPLYING:
        return await fail(context, job, FailedError(cause))
    errors = job.status.get("errors")
    cause = errors[0]["message"] if errors else cause
    ending = "all was put back"
    if not is_deleting(job.around.stage):
        backwards = await _backwards(context, job)
        try:
            await _undo(context, job, backwards or ())
        except NotYetError:
            return POLL
        if backwards is None:
            ending = (
                f"revision {job.status['previousRevision']}, from which it started, is gone, so "
                "what it had changed stays; look at the plan for what that may be"
            )
    await end(
        context,
        job,
        Phase.FAILED,
        Reason.CHANGESET_FAILED,
        f"{cause}; {ending}",
        progress=None,
    )
    return None


async def resume(context: Context, job: Job) -> Planned | str:
    """The plan that is being carried out, made again; a sentence when that can't be."""
    status = job.status
    known = context.memory.plans.get(job.uid)
    if isinstance(known, Planned) and known.target_hash == status["plan"]["targetHash"]:
        return known
    planned = await _planned_again(context, job)
    if isinstance(planned, Planned):
        context.memory.plans[job.uid] = planned
    return planned


async def _planned_again(context: Context, job: Job) -> Planned | str:
    status = job.status
    cluster, stage = context.cluster, job.around.stage
    before = await revisions.load(cluster, stage, status["previousRevision"])
    if before is None:
        return f"revision {status['previousRevision']}, from which it started, is gone"
    base = before
    if status["baseRevision"] != before.number:
        loaded = await revisions.load(cluster, stage, status["baseRevision"])
        if loaded is None:
            return f"revision {status['baseRevision']}, at which it was begun, is gone"
        base = loaded
    planned = plan_over(job.changeset, job.around, Ground(base, before.definition))
    if planned.problems or planned.target_hash != status["plan"]["targetHash"]:
        return "this version of the operator makes another plan of it than the one it began with"
    return planned


async def _backwards(context: Context, job: Job) -> tuple[Change, ...] | None:
    """What leads back; None when nobody knows any more where that is."""
    resumed = await resume(context, job)
    if isinstance(resumed, Planned):
        return diff(resumed.after, resumed.before)
    before = await revisions.load(context.cluster, job.around.stage, job.status["previousRevision"])
    return None if before is None else _as_before(context, job, before.definition)


def _as_before(context: Context, job: Job, before: StageDefinition) -> tuple[Change, ...]:
    """What puts every resource of the plan back as a whole: where the plan led isn't known."""
    there: dict[Section, dict[str, Entry]] = {section: {} for section in SECTIONS}
    wanted: dict[Section, dict[str, Entry]] = {section: {} for section in SECTIONS}
    for change in job.status["plan"].get("changes") or ():
        section, name = section_of(change["kind"]), change["name"]
        live = entries.live_entry(context.cluster, job.namespace, section, name)
        if live is not None:
            there[section][name] = live
        if name in before.section(section):
            wanted[section][name] = before.section(section)[name]
    return diff(of_entries(there), of_entries(wanted))


async def _undo(context: Context, job: Job, backwards: tuple[Change, ...]) -> None:
    for change in backwards:
        try:
            await entries.take_back(context.cluster, job.namespace, change)
        except EditedError:
            continue
        except Forbidden as error:
            if not error.namespace_terminating:
                raise
