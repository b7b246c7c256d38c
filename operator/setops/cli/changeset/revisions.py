"""The Stage's revisions, and the differences between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from setops.api.definition import StageDefinition, load
from setops.api.errors import Code, Validator
from setops.api.kinds import CONTROLLER_REVISION, Object
from setops.api.names import ANNOTATION_CHANGESET, LABEL_STAGE, revision_name
from setops.changes.diff import diff
from setops.changes.plan import Source, plan_of, plan_text
from setops.cli.base.problems import failure
from setops.cli.base.session import Session
from setops.cli.base.terminal import coloured_plan
from setops.cli.base.view import age
from setops.desired.record import data_of, is_record

_NOTHING = Source(0, "", "")


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One revision: when it was made, by whom, by which Changeset and why."""

    number: int
    time: str
    author: str
    changeset: str
    message: str
    resource: Object

    @property
    def definition(self) -> StageDefinition:
        return readable(self.resource)


def all_of(session: Session) -> Sequence[HistoryEntry]:
    """The revisions of the Stage that still exist, oldest first."""
    place = session.place()
    found = session.cluster.list(
        CONTROLLER_REVISION, place.namespace, selector=f"{LABEL_STAGE}={place.stage}"
    )
    own = [each for each in found if is_record(each, place.stage, revision_name)]
    return sorted(map(_revision, own), key=lambda each: each.number)


def definition_at(session: Session, number: int) -> StageDefinition:
    """The definition of a revision. Raises ProblemsError with what exists instead."""
    if number == 0:
        return StageDefinition()
    place = session.place()
    name = revision_name(place.stage, number)
    found = session.cluster.find(CONTROLLER_REVISION, place.namespace, name)
    if found is None or not is_record(found, place.stage, revision_name):
        known = [each.number for each in all_of(session)]
        there = _nearest(number, known)
        raise failure(
            Code.VALIDATION_FAILED,
            f"{place.project}/{place.stage} has no revision {number}; {there}",
            Validator.NOT_FOUND,
        )
    return readable(found)


def readable(resource: Object) -> StageDefinition:
    """The definition that a revision holds. Raises ProblemsError if it can't be read."""
    try:
        return load(data_of(resource)["definition"])
    except (TypeError, LookupError, AttributeError) as error:
        name = resource["metadata"]["name"]
        raise failure(
            Code.VALIDATION_FAILED,
            f"ControllerRevision {name!r} holds no definition that this version can read; "
            "choose another revision",
        ) from error


def difference_text(before: StageDefinition, after: StageDefinition) -> str:
    """The plan that leads from one definition to another, as text."""
    return coloured_plan(plan_text(plan_of(diff(before, after), _NOTHING)))


def _nearest(number: int, known: Sequence[int]) -> str:
    """Which revisions there are around one that there isn't."""
    if not known:
        return "it has none yet"
    if not known[0] < number < known[-1]:
        return f"it has {known[0]} to {known[-1]}"
    before = max(each for each in known if each < number)
    after = min(each for each in known if each > number)
    return f"it is no longer kept; before it there is {before}, after it {after}"


def _revision(resource: Object) -> HistoryEntry:
    metadata, data = resource["metadata"], data_of(resource)
    manager = data.get("manager")
    return HistoryEntry(
        number=int(resource["revision"]),
        time=age(str(metadata["creationTimestamp"])),
        author=str(data.get("user") or (f"field manager {manager}" if manager else "")),
        changeset=str((metadata.get("annotations") or {}).get(ANNOTATION_CHANGESET, "")),
        message=str(data.get("message", "")),
        resource=resource,
    )
