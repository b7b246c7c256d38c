"""From commands to a plan, and what leads back from it.

A plan is folded over the revision where the Changeset began, and merged with what came since.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition, of_entries
from setops.api.errors import Code, Problem, ProblemsError, Validator
from setops.api.kinds import Object, key_of
from setops.api.section import SECTIONS, Entry, Section, section_of
from setops.changes.diff import Change, diff
from setops.changes.digest import content_hash, definition_hash
from setops.changes.effects import missing_services
from setops.changes.fold import Folded, fold
from setops.changes.git_ownership import owner_of
from setops.changes.merge import Merged, merge
from setops.changes.notes import notes_of
from setops.changes.plan import ROOM, Planned, Source, plan_of
from setops.changes.weight import stored_size, too_heavy
from setops.language.command import CommandContext
from setops.reconcile import edits, lock, revisions
from setops.reconcile.changeset import conflicts
from setops.reconcile.changeset.entries import key_of_change
from setops.reconcile.changeset.job import Job
from setops.reconcile.context import Context
from setops.reconcile.live import live_definition, live_entry

MAX_OBJECT: Final = 1_400_000
"""Bytes of spec and plan; etcd takes 1.5 MiB, and conditions and metadata need some of it."""


class PlanLostError(Exception):
    """The plan that is being carried out can't be made again; the message says why."""


@dataclass(frozen=True, slots=True)
class PlanBasis:
    """What a Changeset is planned over: where it began, and how things are now."""

    base: revisions.Revision
    now: StageDefinition


def spec_of(changeset: Object) -> ChangesetSpec:
    """A Changeset's spec; the schema has checked its form already."""
    return ChangesetSpec.model_validate(changeset["spec"])


async def number_of_base(context: Context, job: Job) -> int:
    """The revision at which a Changeset began; one that begins now begins with what it finds.

    A direct edit that isn't recorded yet becomes a revision first. Otherwise it would be recorded
    a moment later and then count as made after the Changeset was begun.
    The revision is kept from here on. Raises as `revisions.store`.
    """
    known = job.status.get("baseRevision")
    if known is not None:
        return int(known)
    number = await _number_now(context, job)
    context.memory.begun[key_of(job.changeset)] = number
    return number


async def _number_now(context: Context, job: Job) -> int:
    cluster, stage = context.cluster, job.around.stage
    running = lock.holder(cluster, stage, job.namespace)
    number = None if running is None else (running.get("status") or {}).get("previousRevision")
    if number is not None:
        return int(number)
    try:
        live = live_definition(cluster, job.namespace)
        revisions.check_size(live)
    except (ProblemsError, revisions.TooLargeError):
        return revisions.latest_number(cluster, stage)  # the plan says what is wrong
    return await edits.record(cluster, stage, job.namespace, live)


async def plan(context: Context, job: Job) -> Planned:
    """The plan over the Stage as it is now, with everything that is wrong."""
    try:
        now = await _current(context, job)
    except ProblemsError as error:
        empty = StageDefinition()
        return _planned(job, (empty, empty), error.problems)
    base = await _base(context, job, now)
    if base is None:
        return _planned(job, (now, now), [_base_gone(job)])
    outcome = _outcome(job, PlanBasis(base, now))
    found = [
        *await conflicts.problems(context, job, base, outcome.merged.conflicts),
        *_owned_by_git(context, job, outcome.planned.changes),
    ]
    if not found:
        return outcome.planned
    blamed = (outcome.folded.blame(problem) for problem in found)
    return replace(outcome.planned, problems=(*outcome.planned.problems, *blamed))


async def plan_again(context: Context, job: Job) -> Planned:
    """The plan that is being carried out, made from what the status names.

    Raises PlanLostError.
    """
    known = context.memory.plans.get(job.uid)
    if known is not None and known.target_hash == job.status["plan"]["targetHash"]:
        return known
    planned = await _made_again(context, job)
    context.memory.plans[job.uid] = planned
    return planned


async def way_back(context: Context, job: Job) -> tuple[Change, ...] | None:
    """What undoes the commit; None when the revision from which it started is gone."""
    try:
        planned = await plan_again(context, job)
    except PlanLostError:
        number = job.status["previousRevision"]
        before = await _readable(context, job, number)
        return None if before is None else _as_before(context, job, before.definition)
    return diff(planned.after, planned.before)


async def _made_again(context: Context, job: Job) -> Planned:
    status = job.status
    before = await _readable(context, job, status["previousRevision"])
    if before is None:
        message = (
            f"revision {status['previousRevision']}, from which it started, is gone, or this "
            "version of the operator can't read it"
        )
        raise PlanLostError(message)
    base = before
    if status["baseRevision"] != before.number:
        loaded = await _readable(context, job, status["baseRevision"])
        if loaded is None:
            message = (
                f"revision {status['baseRevision']}, at which it was begun, is gone, or this "
                "version of the operator can't read it"
            )
            raise PlanLostError(message)
        base = loaded
    planned = _outcome(job, PlanBasis(base, before.definition)).planned
    if planned.problems or planned.target_hash != status["plan"]["targetHash"]:
        raise PlanLostError(
            "this operator version can't reproduce the plan the commit started with"
        )
    return planned


def _as_before(context: Context, job: Job, before: StageDefinition) -> tuple[Change, ...]:
    """What puts every resource of the plan back as a whole, when the plan itself is lost."""
    live: dict[Section, dict[str, Entry]] = {section: {} for section in SECTIONS}
    wanted: dict[Section, dict[str, Entry]] = {section: {} for section in SECTIONS}
    for change in job.status["plan"].get("changes") or ():
        section, name = section_of(change["kind"]), change["name"]
        entry = live_entry(context.cluster, job.namespace, section, name)
        if entry is not None:
            live[section][name] = entry
        if name in before.section(section):
            wanted[section][name] = before.section(section)[name]
    return diff(of_entries(live), of_entries(wanted))


async def _current(context: Context, job: Job) -> StageDefinition:
    """The live definition; while another commit runs, the one from before it.

    Raises ProblemsError for a resource that the definition can't hold.
    """
    cluster, stage = context.cluster, job.around.stage
    running = lock.holder(cluster, stage, job.namespace)
    if running is not None and running["metadata"]["uid"] != job.uid:
        number = (running.get("status") or {}).get("previousRevision")
        found = None if number is None else await _readable(context, job, number)
        if found is not None:
            return found.definition
    return live_definition(cluster, job.namespace)


async def _base(context: Context, job: Job, now: StageDefinition) -> revisions.Revision | None:
    """Where the Changeset began; None when that revision is gone.

    One that was never open begins with what it finds.
    """
    cluster, stage = context.cluster, job.around.stage
    number = job.status.get("baseRevision")
    latest = revisions.latest_number(cluster, stage)
    is_now = number == latest and revisions.is_recorded(cluster, stage, now)
    if number is None or is_now:
        return revisions.Revision(latest, now, revisions.Author())
    return await _readable(context, job, number)


async def _readable(context: Context, job: Job, number: int) -> revisions.Revision | None:
    """A revision; None when it is gone, or when the rules have become stricter than it is."""
    try:
        return await revisions.load(context.cluster, job.around.stage, number)
    except ProblemsError:
        return None


def _base_gone(job: Job) -> Problem:
    return Problem(
        "",
        Validator.NOT_FOUND,
        f"revision {job.status['baseRevision']} of the Stage, at which this Changeset was begun, "
        "is gone, or this version of the operator can't read it; discard it and make a new one",
        Code.CHANGESET_INVALID,
    )


@dataclass(frozen=True, slots=True)
class _Outcome:
    folded: Folded
    merged: Merged
    planned: Planned


def _outcome(job: Job, basis: PlanBasis) -> _Outcome:
    """The plan over given definitions; the same input gives the same plan."""
    folded = fold(basis.base.definition, job.spec, _surroundings(job))
    merged = merge(basis.base.definition, folded.definition, basis.now)
    problems = [*folded.problems, *map(folded.blame, merged.problems)]
    if merged.definition is not folded.definition:
        told = {problem.field for problem in problems}
        heavy = too_heavy(basis.now, merged.definition)
        problems += [folded.blame(problem) for problem in heavy if problem.field not in told]
    try:
        revisions.check_size(merged.definition)
    except revisions.TooLargeError as error:
        problems.append(Problem("", Validator.TOO_LONG, str(error), Code.CHANGESET_INVALID))
    planned = _planned(job, (basis.now, merged.definition), problems)
    return _Outcome(folded, merged, planned)


def _surroundings(job: Job) -> CommandContext:
    return CommandContext(
        organization=job.around.organization,
        project=job.around.names.project,
        stage=job.around.names.stage,
        registry=_registry(job),
    )


def _registry(job: Job) -> str | None:
    """The Organization's registry; for a commit that runs, the one that it was planned with."""
    if "startedAt" in job.status:
        registry: str | None = job.status["plan"].get("registry")
        return registry
    organization = job.around.organization_spec
    return organization.registry if organization else None


def _owned_by_git(context: Context, job: Job, changes: Iterable[Change]) -> list[Problem]:
    """Fields that a Changeset must not overwrite, since Git would put them back."""
    found = []
    for change in changes:
        live = context.cluster.get(key_of_change(job.namespace, change))
        owned = owner_of(change, live, context.options.git_managers) if live else None
        if owned is not None:
            found.append(conflicts.owned_by_git(change, *owned))
    return found


def _planned(
    job: Job, ends: tuple[StageDefinition, StageDefinition], problems: Iterable[Problem]
) -> Planned:
    before, after = ends
    changes = diff(before, after)
    made = plan_of(
        changes,
        Source(
            generation=job.changeset["metadata"].get("generation", 1),
            content_hash=content_hash(job.spec),
            target_hash=definition_hash(after),
            registry=_registry(job),
            notes=notes_of(job.spec, before, after),
            missing=missing_services(before),
        ),
        room=_room(job),
    )
    return Planned(before, after, changes, tuple(problems), made)


def _room(job: Job) -> int:
    """Bytes that a plan may take, so that spec and status fit into one object together."""
    taken = stored_size(job.changeset["spec"])
    return max(0, min(ROOM, MAX_OBJECT - taken))
