"""What a Changeset leads to, computed locally with the operator's own fold, diff and plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from setops.api.changeset import ChangesetSpec, Plan
from setops.api.definition import StageDefinition, load, of_resources
from setops.api.errors import Problem
from setops.api.kinds import (
    CHANGESET,
    CONTROLLER_REVISION,
    NAMESPACE,
    ORGANIZATION,
    PROJECT,
    Object,
)
from setops.api.names import LABEL_ORGANIZATION, revision_name
from setops.api.section import SECTIONS
from setops.changes.diff import diff
from setops.changes.digest import content_hash, definition_hash
from setops.changes.effects import missing_services
from setops.changes.fold import fold
from setops.changes.notes import notes_of
from setops.changes.plan import Source, plan_of
from setops.cli.base.session import CurrentStage, Session
from setops.cli.changeset import draft
from setops.kube.errors import Forbidden
from setops.language.command import CommandContext

UNKNOWN_REGISTRY: Final = "registry.invalid"
"""Replaces a registry that the user can't read. Only for checks; never written anywhere."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What commands are checked against: a definition, and its Stage."""

    base: StageDefinition
    context: CommandContext


def basis(session: Session, changeset: Object | None) -> Basis:
    """The definition that the Changeset was based on, or the current one for a new Changeset."""
    place = session.place()
    number = ((changeset or {}).get("status") or {}).get("baseRevision")
    base = None
    if number is not None and number != place.revision:
        base = revision(session, place, int(number))
    return Basis(base or live(session), _context(session, place, changeset))


def live(session: Session) -> StageDefinition:
    """The Stage's definition, from its resources."""
    namespace = session.place().namespace
    return of_resources(
        {section: session.cluster.list(section.kind, namespace) for section in SECTIONS}
    )


def revision(session: Session, place: CurrentStage, number: int) -> StageDefinition | None:
    """The definition of a revision, or None if it is gone or can't be read. Revision 0 is empty."""
    if number == 0:
        return StageDefinition()
    try:
        name = revision_name(place.stage, number)
        found = session.cluster.find(CONTROLLER_REVISION, place.home, name)
    except Forbidden:
        return None
    return load(found["data"]["definition"]) if found else None


def problems(on: Basis, spec: dict[str, Any]) -> Sequence[Problem]:
    """Everything that is wrong with a Changeset's content."""
    return fold(on.base, ChangesetSpec.model_validate(spec), on.context).problems


def spec_of(raw: Mapping[str, Any]) -> ChangesetSpec:
    """A Changeset's spec."""
    return ChangesetSpec.model_validate(raw)


def plan(on: Basis, changeset: Object) -> tuple[Plan, Sequence[Problem]]:
    """The plan of a Changeset and its problems, as far as they can be known locally."""
    spec = ChangesetSpec.model_validate(changeset["spec"])
    folded = fold(on.base, spec, on.context)
    source = Source(
        changeset["metadata"].get("generation", 1),
        content_hash(spec),
        definition_hash(folded.definition),
        on.context.registry,
        notes_of(spec, on.base, folded.definition),
        missing_services(on.base),
    )
    return plan_of(diff(on.base, folded.definition), source), folded.problems


def _context(session: Session, place: CurrentStage, changeset: Object | None) -> CommandContext:
    registry = _planned_registry(changeset)
    organization = _organization(session, place)
    if registry is None and organization:
        try:
            hosting = session.cluster.find(ORGANIZATION, "", organization)
            registry = hosting["spec"].get("registry") if hosting else None
        except Forbidden:
            registry = _told_before(session, place) or UNKNOWN_REGISTRY
    return CommandContext(organization, place.project, place.stage, registry)


def _organization(session: Session, place: CurrentStage) -> str:
    """The Organization's name. Users who can't read Projects find it on the Stage's namespace."""
    try:
        project = session.cluster.find(PROJECT, "", place.project)
        return str(project["spec"]["organization"]) if project else ""
    except Forbidden:
        found = session.cluster.get(NAMESPACE, "", place.namespace)
        return str((found["metadata"].get("labels") or {}).get(LABEL_ORGANIZATION, ""))


def _told_before(session: Session, place: CurrentStage) -> str | None:
    """The registry in the newest plan that the operator has made for a Changeset of the Stage.

    For users who can't read the Organization.
    """
    # The user's own first: those of others may be many and large.
    return _newest(draft.finished(session)) or _newest(
        session.cluster.list(CHANGESET, place.namespace)
    )


def _newest(found: Sequence[Object]) -> str | None:
    newest = sorted(found, key=lambda each: str(each["metadata"]["creationTimestamp"]))[::-1]
    return next(filter(None, map(_planned_registry, newest)), None)


def _planned_registry(changeset: Object | None) -> str | None:
    plan = ((changeset or {}).get("status") or {}).get("plan") or {}
    registry: str | None = plan.get("registry")
    return registry
