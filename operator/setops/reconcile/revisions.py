"""The revisions of a Stage: its definition after each commit, as ControllerRevisions.

They lie in the Project's namespace and are owned by the Stage, so that they outlive the Stage's
namespace and go with the Stage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from setops.api import definition as definitions
from setops.api import names
from setops.api.definition import StageDefinition
from setops.api.kinds import CONTROLLER_REVISION, GROUP, STAGE, Key, Object
from setops.kube.cluster import Cluster
from setops.kube.errors import AlreadyExists, Conflict
from setops.reconcile.places import labels_of

MAX_BYTES: Final = int(1.4 * 1024 * 1024)
"""Most that one revision may take; etcd refuses objects above 1.5 MiB."""

LABEL_CHANGESET_UID: Final = f"{GROUP}/changeset-uid"
ANNOTATION_CHANGESET: Final = f"{GROUP}/changeset"
ANNOTATION_CONTENT: Final = f"{GROUP}/content-hash"


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a revision: a Changeset, or for a direct edit nobody that we know."""

    changeset: str = ""
    changeset_uid: str = ""
    content_hash: str = ""
    user: str = ""
    message: str = ""


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


def recorded(cluster: Cluster, stage: Object, changeset: str, content_hash: str) -> int | None:
    """The number of the revision that a Changeset of this name and content made before."""
    for item in reversed(of_stage(cluster, stage)):
        notes = item["metadata"].get("annotations") or {}
        if (
            notes.get(ANNOTATION_CHANGESET) == changeset
            and notes.get(ANNOTATION_CONTENT) == content_hash
        ):
            return int(item["revision"])
    return None


async def load(cluster: Cluster, stage: Object, number: int) -> StageDefinition | None:
    """The definition of a revision; revision 0 is the empty one. None when it is gone."""
    if number == 0:
        return StageDefinition()
    metadata = stage["metadata"]
    found = await cluster.fetch(
        Key(CONTROLLER_REVISION, metadata["namespace"], _name(metadata["name"], number))
    )
    return None if found is None else definitions.load(found["data"]["definition"])


def check_size(definition: StageDefinition) -> None:
    """Raise TooLargeError for a definition that no revision can hold."""
    size = len(json.dumps(definition.to_json()).encode())
    if size > MAX_BYTES:
        raise TooLargeError(
            f"the Stage's definition would have {size} bytes, the limit is {MAX_BYTES}; "
            "move large values into Secrets"
        )


async def store(
    cluster: Cluster, stage: Object, number: int, definition: StageDefinition, author: Author
) -> None:
    """Store a definition as the Stage's revision of that number; twice is the same as once.

    Raises Conflict while the revisions of an earlier Stage of that name are going.
    """
    metadata = stage["metadata"]
    key = Key(CONTROLLER_REVISION, metadata["namespace"], _name(metadata["name"], number))
    revision: Object = {
        "apiVersion": CONTROLLER_REVISION.api_version,
        "kind": CONTROLLER_REVISION.kind,
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "labels": _labels(metadata["name"], author),
            "annotations": _annotations(author),
            "ownerReferences": [
                {
                    "apiVersion": STAGE.api_version,
                    "kind": STAGE.kind,
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                    "controller": True,
                }
            ],
        },
        "revision": number,
        "data": _data(definition, author),
    }
    if cluster.get(key) is None:
        try:
            # Not a plain create: that keeps the data's bytes as they are sent, and whoever patches
            # the metadata later, the garbage collector for one, is told that data can't change.
            await cluster.apply(revision)
        except AlreadyExists:
            pass
        else:
            return
    found = await cluster.fetch(key)
    owners = found["metadata"].get("ownerReferences") or () if found else ()
    # Ours is from before a kill: the lock lets nobody else make this number.
    if all(owner["uid"] != metadata["uid"] for owner in owners):
        raise Conflict(f"{key} of an earlier Stage of that name is still going", target=key)


def _name(stage: str, number: int) -> str:
    return f"{stage}-{number}"


def _labels(stage: str, author: Author) -> dict[str, str]:
    labels = {names.LABEL_MANAGED_BY: names.MANAGER, names.LABEL_STAGE: stage}
    if author.changeset_uid:
        labels[LABEL_CHANGESET_UID] = author.changeset_uid
    return labels


def _annotations(author: Author) -> dict[str, str]:
    notes = {
        ANNOTATION_CHANGESET: author.changeset,
        ANNOTATION_CONTENT: author.content_hash,
    }
    return {name: value for name, value in notes.items() if value}


def _data(definition: StageDefinition, author: Author) -> Mapping[str, Any]:
    said = {"user": author.user, "message": author.message}
    return {
        "definition": definition.to_json(),
        **{name: value for name, value in said.items() if value},
    }
