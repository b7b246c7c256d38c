"""The revisions of a Stage: its definition after each change, as ControllerRevisions.

They are records in the Stage's namespace (`desired/record`). `history` says which are kept; the
ledger remembers which Changesets made the others. Numbers go on from the Stage's status, even if
the namespace was lost and all revisions with it.

An earlier version kept them in the Project's namespace, owned by the Stage. They count as well,
until `carry_over` has moved them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from setops.api import definition as definitions
from setops.api import names
from setops.api.definition import StageDefinition
from setops.api.errors import ProblemsError
from setops.api.kinds import CONTROLLER_REVISION, GROUP, Key, Object, key_of
from setops.changes.digest import definition_hash
from setops.changes.weight import too_large_for_a_revision
from setops.desired.record import is_record
from setops.kube.cluster import Cluster
from setops.kube.errors import Conflict
from setops.reconcile import ledger, records
from setops.reconcile.context import Context
from setops.reconcile.stage_around import labels_of

KEPT: Final = 50
"""Revisions of a Stage that are kept with their data, those of Changesets and of direct edits each
for themselves."""

LABEL_CHANGESET_UID: Final = f"{GROUP}/changeset-uid"
ANNOTATION_CONTENT: Final = f"{GROUP}/content-hash"
ANNOTATION_DEFINITION: Final = f"{GROUP}/definition-hash"
ANNOTATION_MANAGER: Final = f"{GROUP}/edited-by"
ANNOTATION_FIELDS: Final = f"{GROUP}/edited-fields"
MAX_FIELDS: Final = 16_384
"""Characters that the paths of a direct edit may take together; of a larger one none is noted."""


@dataclass(frozen=True, slots=True)
class DirectEdit:
    """A direct edit: its field manager, and the paths of the definition that it changed."""

    manager: str
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Content:
    """Which Changeset made a revision, and the hash of what it asked for."""

    changeset: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a revision: a Changeset and its user, or for a direct edit its field manager.

    `fields` are the paths that a direct edit changed; empty if that isn't known.
    """

    changeset: str = ""
    changeset_uid: str = ""
    content_hash: str = ""
    user: str = ""
    manager: str = ""
    message: str = ""
    fields: frozenset[str] = frozenset()

    def __str__(self) -> str:
        who = self.user or (f"field manager {self.manager}" if self.manager else "a direct edit")
        return f"{who} (Changeset {self.changeset!r})" if self.changeset else who


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision with its data."""

    number: int
    definition: StageDefinition
    author: Author


class TooLargeError(Exception):
    """The definition doesn't fit into one revision."""


class UnreadableError(Exception):
    """A revision is there and can't be read; the message says why."""


def of_stage(cluster: Cluster, stage: Object) -> list[Object]:
    """The Stage's revisions as the cache has them (without data), oldest first."""
    own = [*earlier(cluster, stage), *records.kept(cluster, stage, names.revision_name)]
    by_number = {int(item["revision"]): item for item in own}
    return [by_number[number] for number in sorted(by_number)]


def earlier(cluster: Cluster, stage: Object) -> list[Object]:
    """Those that an earlier version of the operator left in the Project's namespace."""
    metadata = stage["metadata"]
    return sorted(
        (
            item
            for item in cluster.owned_by(metadata["uid"])
            if item["kind"] == CONTROLLER_REVISION.kind
            and item["metadata"]["namespace"] == metadata["namespace"]
            and item["metadata"]["name"] == names.revision_name(metadata["name"], item["revision"])
        ),
        key=lambda item: int(item["revision"]),
    )


def first_of_earlier_version(cluster: Cluster, stage: Object) -> int:
    """The number of the first of these; 0 if there is none."""
    return min((int(item["revision"]) for item in earlier(cluster, stage)), default=0)


def latest_number(cluster: Cluster, stage: Object) -> int:
    """The number of the Stage's last revision; 0 for a Stage that nobody has changed yet."""
    told = int((stage.get("status") or {}).get("revision") or 0)
    return max([told, *(int(item["revision"]) for item in of_stage(cluster, stage))])


def made_by(cluster: Cluster, stage: Object, changeset_uid: str) -> int | None:
    """The number of the revision that a Changeset has made, if it has."""
    for item in of_stage(cluster, stage):
        if labels_of(item).get(LABEL_CHANGESET_UID) == changeset_uid:
            return int(item["revision"])
    return None


def edit_of(revision: Object) -> DirectEdit | None:
    """The direct edit that made a revision; None for a Changeset's, or if it isn't known."""
    manager, fields = _note(revision, ANNOTATION_MANAGER), _fields(revision)
    return DirectEdit(manager, fields) if manager and fields else None


def content_of(revision: Object) -> Content | None:
    """The Changeset that made a revision; None for a direct edit."""
    name = _note(revision, names.ANNOTATION_CHANGESET)
    return Content(name, _note(revision, ANNOTATION_CONTENT)) if name else None


def is_recorded(cluster: Cluster, stage: Object, definition: StageDefinition) -> bool:
    """Whether the Stage's latest revision holds this definition; before the first, an empty one."""
    found, latest = of_stage(cluster, stage), latest_number(cluster, stage)
    if latest == 0:
        return definition == StageDefinition()
    if not found or int(found[-1]["revision"]) != latest:
        return False  # it is lost
    return _note(found[-1], ANNOTATION_DEFINITION) == definition_hash(definition)


async def recorded(
    cluster: Cluster, stage: Object, changeset: str, content_hash: str
) -> int | None:
    """The number of the revision that a Changeset of this name and content made before."""
    kept = of_stage(cluster, stage)
    for item in reversed(kept):
        if content_of(item) == Content(changeset, content_hash):
            return int(item["revision"])
    if not kept or int(kept[-1]["revision"]) == len(kept):
        return None  # none has been deleted yet
    before = first_of_earlier_version(cluster, stage)
    entry = (await ledger.read(cluster, stage, before)).get(changeset)
    return entry.revision if entry is not None and entry.content_hash == content_hash else None


async def load(cluster: Cluster, stage: Object, number: int) -> Revision | None:
    """A revision; revision 0 is the empty definition. None when it is gone.

    Raises UnreadableError when this version of the operator can't read it.
    """
    if number == 0:
        return Revision(0, StageDefinition(), Author())
    kept = {int(item["revision"]): item for item in of_stage(cluster, stage)}
    if number not in kept:
        return None
    found = await cluster.fetch(key_of(kept[number]))
    if found is None:
        return None
    try:
        data = found["data"]
        definition = definitions.load(data["definition"])
        said = {name: str(data.get(name, "")) for name in ("user", "manager", "message")}
    except (ProblemsError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise UnreadableError(f"it can't be read ({type(error).__name__}: {error})") from error
    author = Author(
        changeset=_note(found, names.ANNOTATION_CHANGESET),
        fields=_fields(found),
        **said,
    )
    return Revision(number, definition, author)


async def readable(context: Context, stage: Object, number: int) -> Revision | None:
    """As `load`, but None also for one that can't be read; that is told on the Stage."""
    try:
        return await load(context.cluster, stage, number)
    except UnreadableError as error:
        name = names.revision_name(stage["metadata"]["name"], number)
        key = Key(CONTROLLER_REVISION, records.space_of(stage), name)
        records.tell_ignored(context, stage, key, str(error))
        return None


def check_size(definition: StageDefinition) -> None:
    """Raise TooLargeError for a definition that no revision can hold."""
    too_large = too_large_for_a_revision(definition)
    if too_large:
        raise TooLargeError(too_large)


async def store(
    cluster: Cluster, stage: Object, number: int, definition: StageDefinition, author: Author
) -> int:
    """Store a definition as the Stage's revision of that number; doing so again changes nothing.

    Returns the number, which is a later one if somebody else's object has the name. Raises Conflict
    when that revision is there already and is another one, such as a direct edit that was recorded
    at the same moment, and when whatever had its name is gone again. Raises NotFound if the Stage's
    namespace is gone.
    """
    name = stage["metadata"]["name"]
    while True:
        wanted = records.make(
            cluster,
            stage,
            names.revision_name,
            number,
            _data(definition, author),
            {LABEL_CHANGESET_UID: author.changeset_uid} if author.changeset_uid else {},
            _annotations(definition, author),
        )
        if await records.write(cluster, wanted) is not None:
            return number
        key = key_of(wanted)
        found = await cluster.fetch(key)
        if found is None:
            raise Conflict(f"{key} was refused, and there is none of that name", target=key)
        if is_record(found, name, names.revision_name):
            if _is_same(found, wanted):
                return number
            raise Conflict(f"{key} was there already, of another content", target=key)
        number += 1


def _is_same(found: Object, wanted: Object) -> bool:
    """Whether the same Changeset made it for the same Stage, perhaps before a kill."""
    owners = found["metadata"].get("ownerReferences") or ()
    uids = {owner["uid"] for owner in owners}
    return (
        wanted["metadata"]["ownerReferences"][0]["uid"] in uids
        and labels_of(found).get(LABEL_CHANGESET_UID) == labels_of(wanted).get(LABEL_CHANGESET_UID)
        and _note(found, ANNOTATION_DEFINITION) == _note(wanted, ANNOTATION_DEFINITION)
    )


def _note(revision: Object, annotation: str) -> str:
    return str((revision["metadata"].get("annotations") or {}).get(annotation, ""))


def _fields(revision: Object) -> frozenset[str]:
    return frozenset(_note(revision, ANNOTATION_FIELDS).split())


def _annotations(definition: StageDefinition, author: Author) -> dict[str, str]:
    fields = " ".join(sorted(author.fields))
    notes = {
        ANNOTATION_DEFINITION: definition_hash(definition),
        names.ANNOTATION_CHANGESET: author.changeset,
        ANNOTATION_CONTENT: author.content_hash,
        ANNOTATION_MANAGER: author.manager,
        ANNOTATION_FIELDS: fields if len(fields) <= MAX_FIELDS else "",
    }
    return {name: value for name, value in notes.items() if value}


def _data(definition: StageDefinition, author: Author) -> Mapping[str, Any]:
    said = {"user": author.user, "manager": author.manager, "message": author.message}
    return {
        "definition": definition.to_json(),
        **{name: value for name, value in said.items() if value},
    }
