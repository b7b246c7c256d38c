"""From commands to a plan: folded over where the Changeset began, merged with what came since."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from setops.api.changeset import ChangesetSpec, Plan
from setops.api.definition import StageDefinition
from setops.api.errors import Code, Problem, ProblemsError, Validator
from setops.api.kinds import Object
from setops.changes.diff import Change, diff
from setops.changes.digest import content_hash, definition_hash
from setops.changes.fold import Folded, fold
from setops.changes.merge import Merged, merge
from setops.changes.ownership import owner_of
from setops.changes.plan import ROOM, Source, plan_of
from setops.language.command import CommandContext
from setops.reconcile import revisions
from setops.reconcile.changeset import conflicts, lock
from setops.reconcile.changeset.entries import key_of_change, live_definition
from setops.reconcile.context import Context
from setops.reconcile.places import StagePlace

MAX_OBJECT: Final = 1_400_000
"""Bytes of spec and plan; etcd takes 1.5 MiB, and conditions and metadata need some of it."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a Changeset does to the definition `before`, which it finds."""

    before: StageDefinition
    after: StageDefinition
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    plan: Plan

    @property
    def target_hash(self) -> str:
        return self.plan.target_hash


@dataclass(frozen=True, slots=True)
class Ground:
    """What a Changeset is planned over: where it began, and how things stand now."""

    base: revisions.Revision
    now: StageDefinition


def number_of_base(context: Context, changeset: Object, around: StagePlace) -> int:
    """The revision at which a Changeset began; the latest one when it begins now."""
    known = (changeset.get("status") or {}).get("baseRevision")
    return revisions.latest_number(context.cluster, around.stage) if known is None else int(known)


async def plan(context: Context, changeset: Object, around: StagePlace) -> Planned:
    """The plan over the Stage as it stands, with all that is wrong."""
    try:
        now = await _current(context, changeset, around)
    except ProblemsError as error:
        empty = StageDefinition()
        return _planned(changeset, around, (empty, empty), error.problems)
    base = await _base(context, changeset, around, now)
    if base is None:
        return _planned(changeset, around, (now, now), [_base_gone(changeset)])
    outcome = _merged(changeset, around, Ground(base, now))
    user = changeset["spec"].get("user")
    found = [
        *await conflicts.problems(context, around, base, outcome.merged.conflicts, user),
        *_owned_by_git(context, around, outcome.planned.changes),
    ]
    if not found:
        return outcome.planned
    blamed = (outcome.folded.blame(problem) for problem in found)
    return replace(outcome.planned, problems=(*outcome.planned.problems, *blamed))


def plan_over(changeset: Object, around: StagePlace, ground: Ground) -> Planned:
    """The plan over given definitions; the same input gives the same plan."""
    return _merged(changeset, around, ground).planned


async def _current(context: Context, changeset: Object, around: StagePlace) -> StageDefinition:
    """The live definition; while another commit runs, the one from before it.

    Raises ProblemsError for a resource that the definition can't hold.
    """
    cluster, namespace = context.cluster, around.place.namespace
    running = lock.holder(cluster, around.stage, namespace)
    if running is not None and running["metadata"]["uid"] != changeset["metadata"]["uid"]:
        number = (running.get("status") or {}).get("previousRevision")
        found = None
        if number is not None:
            found = await revisions.load(cluster, around.stage, number)
        if found is not None:
            return found.definition
    return live_definition(cluster, namespace)


async def _base(
    context: Context, changeset: Object, around: StagePlace, now: StageDefinition
) -> revisions.Revision | None:
    """Where the Changeset began; None when that revision is gone.

    One that was never open begins with what it finds.
    """
    number = (changeset.get("status") or {}).get("baseRevision")
    latest = revisions.latest_number(context.cluster, around.stage)
    is_now = number == latest and revisions.is_recorded(context.cluster, around.stage, now)
    if number is None or is_now:
        return revisions.Revision(latest, now, revisions.Author())
    return await revisions.load(context.cluster, around.stage, number)


def _base_gone(changeset: Object) -> Problem:
    number = changeset["status"]["baseRevision"]
    return Problem(
        "",
        Validator.NOT_FOUND,
        f"revision {number} of the Stage, at which this Changeset was begun, is no longer kept "
        f"(the last {revisions.KEPT} are); discard it and make a new one",
        Code.CHANGESET_INVALID,
    )


@dataclass(frozen=True, slots=True)
class _Outcome:
    folded: Folded
    merged: Merged
    planned: Planned


def _merged(changeset: Object, around: StagePlace, ground: Ground) -> _Outcome:
    folded = _fold(changeset, around, ground.base.definition)
    merged = merge(ground.base.definition, folded.definition, ground.now)
    problems = [*folded.problems, *map(folded.blame, merged.problems)]
    try:
        revisions.check_size(merged.definition)
    except revisions.TooLargeError as error:
        problems.append(Problem("", Validator.TOO_LONG, str(error), Code.CHANGESET_INVALID))
    planned = _planned(changeset, around, (ground.now, merged.definition), problems)
    return _Outcome(folded, merged, planned)


def _fold(changeset: Object, around: StagePlace, base: StageDefinition) -> Folded:
    scope = CommandContext(
        organization=around.organization,
        project=around.place.project,
        stage=around.place.stage,
        registry=_registry(changeset, around),
    )
    return fold(base, spec_of(changeset), scope)


def _registry(changeset: Object, around: StagePlace) -> str | None:
    """The Organization's registry; of a commit that runs, the one that it was planned with."""
    status = changeset.get("status") or {}
    if "startedAt" in status:
        registry: str | None = status["plan"].get("registry")
        return registry
    return around.organization_spec.registry if around.organization_spec else None


def _owned_by_git(context: Context, around: StagePlace, changes: Iterable[Change]) -> list[Problem]:
    """Fields that a Changeset must not overwrite, since Git would put them back."""
    found = []
    for change in changes:
        live = context.cluster.get(key_of_change(around.place.namespace, change))
        owned = owner_of(change, live, context.options.git_managers) if live else None
        if owned is not None:
            found.append(conflicts.owned_by_git(change, *owned))
    return found


def _planned(
    changeset: Object,
    around: StagePlace,
    ends: tuple[StageDefinition, StageDefinition],
    problems: Iterable[Problem],
) -> Planned:
    before, after = ends
    changes = diff(before, after)
    made = plan_of(
        changes,
        Source(
            generation=changeset["metadata"].get("generation", 1),
            content_hash=content_hash(spec_of(changeset)),
            target_hash=definition_hash(after),
            registry=_registry(changeset, around),
        ),
        room=_room(changeset),
    )
    return Planned(before, after, changes, tuple(problems), made)


def _room(changeset: Object) -> int:
    """Bytes that a plan may take, so that spec and status fit into one object together."""
    taken = len(json.dumps(changeset["spec"]))
    return max(0, min(ROOM, MAX_OBJECT - taken))


def spec_of(changeset: Object) -> ChangesetSpec:
    """A Changeset's spec; the schema has checked its form already."""
    return ChangesetSpec.model_validate(changeset["spec"])
