"""The revisions of a Stage: its definition after each change, as ControllerRevisions.

They are kept in the Project's namespace and owned by the Stage, so that they outlive the Stage's
namespace and are deleted with the Stage. `history` says which are kept; the ledger remembers which
Changesets made the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from setops.api import definition as definitions
from setops.api import names
from setops.api.definition import StageDefinition
from setops.api.kinds import CONTROLLER_REVISION, GROUP, STAGE, Key, Object
from setops.changes.digest import definition_hash
from setops.changes.weight import too_large_for_a_revision
from setops.desired.metadata import Owner
from setops.kube.cluster import Cluster
from setops.kube.errors import AlreadyExists, Conflict
from setops.reconcile import ledger
from setops.reconcile.places import labels_of

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


def of_stage(cluster: Cluster, stage: Object) -> list[Object]:
    """The Stage's revisions as the cache has them (without data), oldest first."""
    return sorted(
        (
            item
            for item in cluster.owned_by(stage["metadata"]["uid"])
            if item["kind"] == CONTROLLER_REVISION.kind
        ),
        key=lambda item: int(item["revision"]),
    )


def latest_number(cluster: Cluster, stage: Object) -> int:
    """The number of the Stage's last revision; 0 for a Stage that nobody has changed yet."""
    return max((int(item["revision"]) for item in of_stage(cluster, stage)), default=0)


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
    found = of_stage(cluster, stage)
    if not found:
        return definition == StageDefinition()
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
    entry = (await ledger.read(cluster, stage)).get(changeset)
    return entry.revision if entry is not None and entry.content_hash == content_hash else None


async def load(cluster: Cluster, stage: Object, number: int) -> Revision | None:
    """A revision; revision 0 is the empty definition. None when it is gone."""
    if number == 0:
        return Revision(0, StageDefinition(), Author())
    metadata = stage["metadata"]
    found = await cluster.fetch(
        Key(
            CONTROLLER_REVISION,
            metadata["namespace"],
            names.revision_name(metadata["name"], number),
        )
    )
    if found is None:
        return None
    data = found["data"]
    author = Author(
        changeset=_note(found, names.ANNOTATION_CHANGESET),
        user=data.get("user", ""),
        manager=data.get("manager", ""),
        message=data.get("message", ""),
        fields=_fields(found),
    )
    return Revision(number, definitions.load(data["definition"]), author)


def check_size(definition: StageDefinition) -> None:
    """Raise TooLargeError for a definition that no revision can hold."""
    too_large = too_large_for_a_revision(definition)
    if too_large:
        raise TooLargeError(too_large)


async def store(
    cluster: Cluster, stage: Object, number: int, definition: StageDefinition, author: Author
) -> None:
    """Store a definition as the Stage's revision of that number; doing so again changes nothing.

    Raises Conflict when that number is taken: by a direct edit that was recorded at the same
    moment, or by an earlier Stage of that name whose revisions are still being deleted.
    """
    metadata = stage["metadata"]
    key = Key(
        CONTROLLER_REVISION, metadata["namespace"], names.revision_name(metadata["name"], number)
    )
    revision: Object = {
        "apiVersion": CONTROLLER_REVISION.api_version,
        "kind": CONTROLLER_REVISION.kind,
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "labels": _labels(metadata["name"], author),
            "annotations": _annotations(definition, author),
            "ownerReferences": [Owner.of(STAGE, stage).reference()],
        },
        "revision": number,
        "data": _data(definition, author),
    }
    if cluster.get(key) is None:
        try:
            # By apply, since a plain create keeps the bytes of `data` as they are sent. Then every
            # later patch of the metadata, by the garbage collector for one, would be refused.
            await cluster.apply(revision)
        except AlreadyExists:
            pass
        else:
            return
    found = await cluster.fetch(key)
    if found is None or not _is_same(found, revision):
        raise Conflict(f"{key} was there already, of another content", target=key)


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


def _labels(stage: str, author: Author) -> dict[str, str]:
    labels = {names.LABEL_MANAGED_BY: names.MANAGER, names.LABEL_STAGE: stage}
    if author.changeset_uid:
        labels[LABEL_CHANGESET_UID] = author.changeset_uid
    return labels


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
