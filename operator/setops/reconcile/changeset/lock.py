"""The lock of a Stage: who changes it, and since when. It lies in the Stage's status."""

from __future__ import annotations

from setops.api.kinds import CHANGESET, Key, Object
from setops.kube.cluster import Cluster
from setops.reconcile.changeset.reporting import phase_of
from setops.reconcile.context import Context


def holder(cluster: Cluster, stage: Object, namespace: str) -> Object | None:
    """The running Changeset that holds the Stage's lock.

    A lock whose Changeset is gone or has ended counts as free: it was left by a kill.
    """
    lock = (stage.get("status") or {}).get("currentChangeset")
    if not lock:
        return None
    found = cluster.get(Key(CHANGESET, namespace, lock["changeset"]))
    if found is None or found["metadata"]["uid"] != lock["uid"] or phase_of(found).finished:
        return None
    return found


async def take(context: Context, stage: Object, changeset: Object) -> Object | None:
    """Take the lock for a Changeset; the Changeset that holds it instead, or None for success.

    Raises Conflict when somebody else wrote the Stage's status at the same moment.
    """
    metadata = changeset["metadata"]
    held = holder(context.cluster, stage, metadata["namespace"])
    if held is not None:
        return None if held["metadata"]["uid"] == metadata["uid"] else held
    status = stage.get("status") or {}
    lock = {
        "changeset": metadata["name"],
        "uid": metadata["uid"],
        "user": changeset["spec"].get("user"),
        "since": context.timestamp(),
    }
    await context.cluster.swap_status(stage, {**status, "currentChangeset": lock})
    return None


async def release(context: Context, stage: Object, changeset: Object, revision: int) -> None:
    """Let go of the lock if this Changeset holds it, and show the Stage's revision."""
    status = stage.get("status") or {}
    lock = status.get("currentChangeset")
    if not lock or lock["uid"] != changeset["metadata"]["uid"]:
        return
    await context.cluster.swap_status(
        stage, {**status, "currentChangeset": None, "revision": revision}
    )
