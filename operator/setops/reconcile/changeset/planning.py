"""From commands to a plan over the Stage as it stands."""

from __future__ import annotations

from dataclasses import dataclass

from setops.api.changeset import ChangesetSpec, Plan
from setops.api.definition import StageDefinition
from setops.api.errors import Code, Problem, ProblemsError, Validator
from setops.api.kinds import Object
from setops.changes.diff import Change, diff
from setops.changes.digest import content_hash, definition_hash
from setops.changes.fold import fold
from setops.changes.plan import Source, plan_of
from setops.language.command import Context as Scope
from setops.reconcile import revisions
from setops.reconcile.changeset.entries import live_definition
from setops.reconcile.context import Context
from setops.reconcile.places import StagePlace


@dataclass(frozen=True, slots=True)
class Planned:
    """What a Changeset does to a definition."""

    before: StageDefinition
    after: StageDefinition
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    plan: Plan

    @property
    def target_hash(self) -> str:
        return self.plan.target_hash


def plan_live(context: Context, changeset: Object, around: StagePlace) -> Planned:
    """The plan over the Stage's live definition."""
    try:
        before = live_definition(context.cluster, around.place.namespace)
    except ProblemsError as error:
        empty = StageDefinition()
        return _planned(changeset, empty, empty, error.problems)
    return plan_over(changeset, around, before)


def plan_over(changeset: Object, around: StagePlace, before: StageDefinition) -> Planned:
    """The plan over a given definition; the same input gives the same plan."""
    spec = spec_of(changeset)
    registry = around.organization_spec.registry if around.organization_spec else None
    scope = Scope(
        organization=around.organization,
        project=around.place.project,
        stage=around.place.stage,
        registry=registry,
    )
    folded = fold(before, spec, scope)
    problems = list(folded.problems)
    try:
        revisions.check_size(folded.definition)
    except revisions.TooLargeError as error:
        problems.append(Problem("", Validator.TOO_LONG, str(error), Code.CHANGESET_INVALID))
    return _planned(changeset, before, folded.definition, tuple(problems))


def _planned(
    changeset: Object,
    before: StageDefinition,
    after: StageDefinition,
    problems: tuple[Problem, ...],
) -> Planned:
    changes = diff(before, after)
    plan = plan_of(
        changes,
        Source(
            generation=changeset["metadata"].get("generation", 1),
            content_hash=content_hash(spec_of(changeset)),
            target_hash=definition_hash(after),
        ),
    )
    return Planned(before, after, changes, problems, plan)


def spec_of(changeset: Object) -> ChangesetSpec:
    """A Changeset's spec; the schema has checked its form already."""
    return ChangesetSpec.model_validate(changeset["spec"])
