"""Which Changeset comes first on a Stage: the queue of commits, and one open one for each user."""

from __future__ import annotations

from typing import Final

from setops.api.changeset import Phase, phase_of
from setops.api.kinds import CHANGESET, Object
from setops.api.names import ANNOTATION_PAUSED
from setops.changes.weight import MOST, stored_size
from setops.kube.cache import version_of
from setops.kube.cluster import Cluster
from setops.reconcile import lock
from setops.reconcile.places import is_deleting

MAX_SPEC: Final = MOST
"""Bytes of a Changeset's spec that leave room for a status."""


def ahead(cluster: Cluster, stage: Object, changeset: Object) -> Object | None:
    """The Changeset that this one has to wait for: the lock's holder, or the first of the queue.

    None if it is this one's turn. Commits come in the order in which the API server took them.
    """
    metadata = changeset["metadata"]
    held = lock.holder(cluster, stage, metadata["namespace"])
    if held is not None:
        return None if held["metadata"]["uid"] == metadata["uid"] else held
    waiting = [
        other
        for other in cluster.list(CHANGESET, metadata["namespace"])
        if _waits(cluster, other) and _will_go_on(other)
    ]
    first = min([*waiting, changeset], key=turn_of)
    return None if first["metadata"]["uid"] == metadata["uid"] else first


def turn_of(changeset: Object) -> int:
    """The place in the queue: the resourceVersion at which the commit was asked for.

    A Changeset that hasn't been reconciled since has no `turn` yet; its current resourceVersion
    counts.
    """
    known = (changeset.get("status") or {}).get("turn")
    return int(known) if known is not None else version_of(changeset)


def older_draft(cluster: Cluster, changeset: Object) -> Object | None:
    """The older open Changeset of the same user on this Stage, if there is one.

    A user has one open Changeset per Stage. One that was created with `commit` never was open.
    """
    user = changeset["spec"].get("user")
    if user is None or not _was_open(changeset):
        return None
    older = [
        other
        for other in cluster.list(CHANGESET, changeset["metadata"]["namespace"])
        if other["spec"].get("user") == user
        and phase_of(other) is Phase.OPEN
        and _was_open(other)
        and not is_deleting(other)
        and _age(other) < _age(changeset)
    ]
    return min(older, key=_age, default=None)


def _was_open(changeset: Object) -> bool:
    spec = changeset["spec"]
    seen = "phase" in (changeset.get("status") or {})
    return seen or not (spec.get("commit") or spec.get("discard") or spec.get("dryRun"))


def _age(changeset: Object) -> tuple[str, str]:
    metadata = changeset["metadata"]
    return metadata["creationTimestamp"], metadata["name"]


def _waits(cluster: Cluster, changeset: Object) -> bool:
    phase = phase_of(changeset)
    if phase is Phase.OPEN:
        spec = changeset["spec"]
        asked = spec.get("commit") and not spec.get("dryRun")
        return bool(asked) and older_draft(cluster, changeset) is None
    return phase is Phase.QUEUED


def _will_go_on(changeset: Object) -> bool:
    """False if paused, deleted or discarded, or so large that its end couldn't be told."""
    paused = ANNOTATION_PAUSED in (changeset["metadata"].get("annotations") or ())
    stopped = paused or is_deleting(changeset) or changeset["spec"].get("discard")
    return not stopped and not is_overfull(changeset)


def is_overfull(changeset: Object) -> bool:
    """Whether the object has no room for a plan, so that its commit can't begin."""
    return stored_size(changeset["spec"]) > MAX_SPEC
