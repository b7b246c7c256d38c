"""The Stage's Changesets and revisions: `changeset`, `changeset:list`, `:log`, `:diff`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from setops.api.definition import StageDefinition, load
from setops.api.errors import Code, Validator
from setops.api.kinds import CONTROLLER_REVISION, Object
from setops.api.names import ANNOTATION_CHANGESET, LABEL_STAGE, revision_name
from setops.changes.diff import diff
from setops.changes.plan import Source, plan_of, plan_text
from setops.cli import changesets, inspect, output, preview
from setops.cli.call import Call
from setops.cli.problems import failure
from setops.cli.read.common import age
from setops.cli.session import Session
from setops.cli.terminal import block, bold, coloured_plan, echo, table

_NOTHING = Source(0, "", "")
_LOGGED = 10


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision: when it was made, by whom, why, by which Changeset, and where it led."""

    number: int
    time: str
    author: str
    changeset: str
    message: str
    resource: Object

    @property
    def definition(self) -> StageDefinition:
        return load(self.resource["data"]["definition"])


def all_of(session: Session) -> Sequence[Revision]:
    """The Stage's revisions that are kept, oldest first."""
    place = session.place()
    found = session.cluster.list(
        CONTROLLER_REVISION, place.home, selector=f"{LABEL_STAGE}={place.stage}"
    )
    # Of an earlier Stage of that name some may be going still.
    uid = place.resource["metadata"]["uid"]
    own = [each for each in found if uid in _owners(each)]
    return sorted(map(_revision, own), key=lambda each: each.number)


def definition_at(session: Session, number: int) -> StageDefinition:
    """The definition of a revision. Raises ProblemsError with what there is instead."""
    if number == 0:
        return StageDefinition()
    place = session.place()
    name = revision_name(place.stage, number)
    found = session.cluster.find(CONTROLLER_REVISION, place.home, name)
    if found is None:
        known = [each.number for each in all_of(session)]
        there = f"it has {known[0]} to {known[-1]}" if known else "it has none yet"
        raise failure(
            Code.VALIDATION_FAILED,
            f"{place.project}/{place.stage} has no revision {number}; {there}",
            Validator.NOT_FOUND,
        )
    return load(found["data"]["definition"])


def index(call: Call) -> int:
    """`changeset`: those that are open or run."""
    place = call.session.place()
    found = changesets.unfinished(call.session)
    if call.format != "table":
        output.write(call.format, found)
        return 0
    if not found:
        echo(f"No Changeset is open on {place.project}/{place.stage}.")
        return 0
    rows = [
        (
            each["metadata"]["name"],
            each["spec"].get("user", ""),
            inspect.phase_text(each),
            len(each["spec"].get("commands") or ()),
            inspect.message_of(each),
        )
        for each in found
    ]
    echo(table(("Name", "User", "Phase", "Commands", "Says"), rows))
    return 0


def revisions(call: Call) -> int:
    """`changeset:list`."""
    found = all_of(call.session)[::-1]
    if call.format != "table":
        output.write(call.format, [each.resource for each in found])
        return 0
    if not found:
        echo("The Stage has no revision yet.")
        return 0
    rows = [(each.number, each.time, each.author, each.changeset, each.message) for each in found]
    echo(table(("Revision", "Time", "By", "Changeset", "Message"), rows))
    return 0


def log(call: Call) -> int:
    """`changeset:log`: each revision with what it changed."""
    found = all_of(call.session)
    count = int(call.flags.get("number") or _LOGGED)
    for position in range(len(found) - 1, max(-1, len(found) - 1 - count), -1):
        each = found[position]
        rows: list[tuple[str, object]] = [
            ("Time", each.time),
            ("By", each.author),
            ("Changeset", each.changeset),
            ("Message", each.message),
        ]
        echo(bold(f"Revision {each.number}"))
        echo(block((name, value) for name, value in rows if value) + "\n")
        if position > 0:
            echo(_difference(found[position - 1].definition, each.definition))
        elif each.number == 1:
            echo(_difference(StageDefinition(), each.definition))
        else:
            echo("(what it changed is unknown: the revision before it is gone)")
        echo("")
    if not found:
        echo("The Stage has no revision yet.")
    return 0


def difference(call: Call) -> int:
    """`changeset:diff A [B]`."""
    session = call.session
    before = definition_at(session, call.number(0, 0))
    if len(call.arguments) > 1:
        after = definition_at(session, call.number(1, 0))
    else:
        after = preview.live(session)
    echo(_difference(before, after))
    return 0


def _difference(before: StageDefinition, after: StageDefinition) -> str:
    return coloured_plan(plan_text(plan_of(diff(before, after), _NOTHING)))


def _revision(resource: Object) -> Revision:
    metadata, data = resource["metadata"], resource["data"]
    manager = data.get("manager")
    return Revision(
        number=int(resource["revision"]),
        time=age(str(metadata["creationTimestamp"])),
        author=str(data.get("user") or (f"field manager {manager}" if manager else "")),
        changeset=str((metadata.get("annotations") or {}).get(ANNOTATION_CHANGESET, "")),
        message=str(data.get("message", "")),
        resource=resource,
    )


def _owners(resource: Object) -> set[str]:
    return {owner["uid"] for owner in resource["metadata"].get("ownerReferences") or ()}
