"""The lock of a Stage: who changes it, and since when. It lies in the Stage's status.

Whoever commits takes it before anything else is written, and others wait in the order in which
they asked. A lock whose Changeset is gone or has ended counts as free.
"""

from __future__ import annotations

from setops.api.changeset import Phase
from setops.api.conditions import ConditionType, find
from setops.api.kinds import CHANGESET, Key, Object
from setops.api.names import ANNOTATION_PAUSED
from setops.kube.cluster import Cluster
from setops.reconcile import revisions
from setops.reconcile.changeset.reporting import phase_of
from setops.reconcile.context import Context
from setops.reconcile.places import is_deleting


def holder(cluster: Cluster, stage: Object, namespace: str) -> Object | None:
    """The running Changeset that holds the Stage's lock; None when the lock is free."""
    lock = (stage.get("status") or {}).get("currentChangeset")
    if not lock:
        return None
    found = cluster.get(Key(CHANGESET, namespace, lock["changeset"]))
    if found is None or found["metadata"]["uid"] != lock["uid"] or phase_of(found).finished:
        return None
    return found


def ahead(cluster: Cluster, stage: Object, changeset: Object) -> Object | None:
    """Whom a Changeset has to wait for: the lock's holder, or the first of the queue.

    None when it is its turn.
    """
    metadata = changeset["metadata"]
    held = holder(cluster, stage, metadata["namespace"])
    if held is not None:
        return None if held["metadata"]["uid"] == metadata["uid"] else held
    waiting = [
        other
        for other in cluster.list(CHANGESET, metadata["namespace"])
        if phase_of(other) is Phase.QUEUED and _will_go_on(other)
    ]
    first = min([*waiting, changeset], key=_turn)
    return None if first["metadata"]["uid"] == metadata["uid"] else first


def _will_go_on(changeset: Object) -> bool:
    """Not so one that its user holds back or takes back: nobody has to wait for that."""
    paused = ANNOTATION_PAUSED in (changeset["metadata"].get("annotations") or ())
    return not (paused or is_deleting(changeset) or changeset["spec"].get("discard"))


def _turn(changeset: Object) -> tuple[bool, str, str, str]:
    """Sorts the queue: by when it was queued, then by when it was made, then by name."""
    metadata = changeset["metadata"]
    queued = phase_of(changeset) is Phase.QUEUED
    since = find(changeset.get("status"), ConditionType.RECONCILING) if queued else None
    return (
        since is None,
        since["lastTransitionTime"] if since else "",
        metadata["creationTimestamp"],
        metadata["name"],
    )


async def take(context: Context, stage: Object, changeset: Object) -> None:
    """Take the lock for a Changeset whose turn it is; nothing happens when it has it already.

    Raises Conflict when somebody else wrote the Stage's status at the same moment.
    """
    metadata = changeset["metadata"]
    status = stage.get("status") or {}
    held = status.get("currentChangeset")
    if held and held["uid"] == metadata["uid"]:
        return
    lock = {
        "changeset": metadata["name"],
        "uid": metadata["uid"],
        "user": changeset["spec"].get("user"),
        "since": context.timestamp(),
    }
    await context.cluster.swap_status(stage, {**status, "currentChangeset": lock})


async def release(context: Context, stage: Object, changeset: Object) -> None:
    """Let go of the lock if this Changeset holds it, and show the Stage's revision."""
    status = stage.get("status") or {}
    lock = status.get("currentChangeset")
    if not lock or lock["uid"] != changeset["metadata"]["uid"]:
        return
    revision = revisions.latest_number(context.cluster, stage)
    await context.cluster.swap_status(
        stage, {**status, "currentChangeset": None, "revision": revision}
    )
