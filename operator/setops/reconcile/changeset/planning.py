"""From commands to a plan, and what leads back from it.

A plan is folded over the revision where the Changeset began, and merged with what came since.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import Final

from setops.api.definition import StageDefinition, of_entries
from setops.api.errors import Code, Problem, ProblemsError, Validator
from setops.api.kinds import key_of
from setops.api.section import SECTIONS, Entry, Section, section_of
from setops.changes.diff import Change, diff
from setops.changes.git_ownership import tracker_of
from setops.changes.outcome import GitHeld, Outcome, Question, compared
from setops.changes.plan import ROOM, Planned
from setops.kube.trim import spec_size
from setops.language.command import CommandContext
from setops.reconcile import edits, lock, revisions
from setops.reconcile.changeset import conflicts
from setops.reconcile.changeset.job import Job
from setops.reconcile.context import Context
from setops.reconcile.live import live_definition, live_entry
from setops.reconcile.planner import BusyError, TooCostlyError

MAX_OBJECT: Final = 1_400_000
"""Bytes of spec and plan; etcd takes 1.5 MiB, and conditions and metadata need some of it."""


class PlanLostError(Exception):
    """The plan that is being carried out can't be made again; the message says why."""


@dataclass(frozen=True, slots=True)
class PlanBasis:
    """What a Changeset is planned over: where it began, and how things are now."""

    base: revisions.Revision
    now: StageDefinition


class Purpose(Enum):
    """What a plan is for."""

    COMMIT = "to be carried out"
    SHOW = "to be shown"


async def number_of_base(context: Context, job: Job) -> int:
    """The revision at which an open Changeset began; one that begins now begins with what it finds.

    A direct edit that isn't recorded yet becomes a revision first. Otherwise it would be recorded
    a moment later and then count as made after the Changeset was begun.
    The revision is kept from here on. Until the status names it, a restart of the operator begins
    the Changeset anew. Raises as `revisions.store`.
    """
    known = _known_base(context, job)
    if known is None:
        known = await _number_now(context, job)
        context.memory.bases[key_of(job.changeset)] = job.uid, known
    return known


def _known_base(context: Context, job: Job) -> int | None:
    """The revision at which a Changeset began; None if it begins with what it finds."""
    stored = job.status.get("baseRevision")
    if stored is not None:
        return int(stored)
    uid, number = context.memory.bases.get(key_of(job.changeset), ("", 0))
    return number if uid == job.uid else None


async def _number_now(context: Context, job: Job) -> int:
    cluster, stage = context.cluster, job.around.stage
    running = lock.holder(cluster, stage, job.namespace)
    number = None if running is None else (running.get("status") or {}).get("previousRevision")
    if number is not None:
        return int(number)
    if edits.is_recorded(context, stage, job.namespace):
        return revisions.latest_number(cluster, stage)
    try:
        live = live_definition(cluster, job.namespace)
        revisions.check_size(live)
    except (ProblemsError, revisions.TooLargeError):
        return revisions.latest_number(cluster, stage)  # the plan says what is wrong
    return await edits.record(context, stage, job.namespace, live)


async def plan(context: Context, job: Job, purpose: Purpose = Purpose.COMMIT) -> Planned:
    """The plan over the Stage as it is now, with everything that is wrong.

    One that is only shown has no definitions and no changes, and its Stage pays for it. Raises
    BusyError.
    """
    empty, started = StageDefinition(), time.thread_time()
    try:
        now = await _current(context, job)
    except ProblemsError as error:
        return _without_changes(job, empty, error.problems)
    base = await _base(context, job, now)
    if base is None:
        return _without_changes(job, now, (_base_gone(job),))
    question = _question(context, job, PlanBasis(base, now), purpose)
    spent = time.thread_time() - started
    try:
        outcome = await _outcome(context, job, question, spent)
    except TooCostlyError as error:
        problem = Problem("", Validator.TOO_LONG, str(error), Code.CHANGESET_INVALID)
        return _without_changes(job, now, (problem,))
    found = (
        *await conflicts.problems(context, job, base, outcome.conflicts),
        *map(conflicts.owned_by_git, outcome.owned),
    )
    return outcome.planned(now, found)


async def _outcome(context: Context, job: Job, question: Question, spent: float) -> Outcome:
    """The outcome; for what is only shown, its Stage pays. `spent` are the seconds so far."""
    planner, pace = context.planner, context.memory.pace
    if question.for_commit:
        return await planner.outcome(question, job.namespace)
    try:
        outcome = await planner.outcome(question, job.namespace)
    except BusyError:
        pace.charge(job.namespace, spent)
        raise
    except Exception:
        pace.planned(key_of(job.changeset), spent + planner.seconds(job.namespace))
        raise
    pace.planned(key_of(job.changeset), spent + planner.seconds(job.namespace))
    return outcome


async def plan_again(context: Context, job: Job) -> Planned:
    """The plan that is being carried out, made from what the status names.

    Raises PlanLostError and BusyError.
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
    except (PlanLostError, TooCostlyError):
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
    question = _question(context, job, PlanBasis(base, before.definition), Purpose.COMMIT)
    # It was made before, so what it lacks now, time or memory, may be there at the next try.
    outcome = await context.planner.outcome(question, job.namespace)
    planned = outcome.planned(before.definition, ())
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
    number = _known_base(context, job)
    latest = revisions.latest_number(cluster, stage)
    is_now = number == latest and revisions.is_recorded(cluster, stage, now)
    if number is None or is_now:
        return revisions.Revision(latest, now, revisions.Author())
    return await _readable(context, job, number)


async def _readable(context: Context, job: Job, number: int) -> revisions.Revision | None:
    """A revision; None when it is gone, or when it can't be read, as under stricter rules."""
    return await revisions.readable(context, job.around.stage, number)


def _base_gone(job: Job) -> Problem:
    return Problem(
        "",
        Validator.NOT_FOUND,
        f"revision {job.status['baseRevision']} of the Stage, at which this Changeset was begun, "
        "is gone, or this version of the operator can't read it; discard it and make a new one",
        Code.CHANGESET_INVALID,
    )


def _question(context: Context, job: Job, basis: PlanBasis, purpose: Purpose) -> Question:
    return Question(
        base=basis.base.definition,
        now=basis.now,
        spec=job.spec,
        surroundings=_surroundings(job),
        generation=job.generation,
        room=max(0, min(ROOM, MAX_OBJECT - spec_size(job.changeset))),
        git=_held_by_git(context, job),
        for_commit=purpose is Purpose.COMMIT,
    )


def _held_by_git(context: Context, job: Job) -> GitHeld:
    """What a Changeset must perhaps not overwrite, since Git would put it back."""
    managers = context.options.git_managers
    live = {
        (section.name, obj["metadata"]["name"]): obj
        for section in SECTIONS
        for obj in context.cluster.list(section.kind, job.namespace)
        if tracker_of(obj)
        or any(
            entry.get("manager") in managers for entry in obj["metadata"].get("managedFields") or ()
        )
    }
    return GitHeld(managers, live)


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


def _without_changes(job: Job, now: StageDefinition, problems: tuple[Problem, ...]) -> Planned:
    """A plan that can't be made: nothing would change."""
    question = Question(now, now, job.spec, _surroundings(job), job.generation, ROOM)
    return compared(question, now, now).planned(now, problems)
