"""The lock of a Stage: which Changeset changes it, and since when.

The lock is kept in the Stage's status. A commit takes it before it writes anything else. A lock
whose Changeset is gone or has ended counts as free.
"""

from __future__ import annotations

from contextlib import suppress

from setops.api.changeset import Phase, phase_of
from setops.api.kinds import CHANGESET, Key, Object, key_of
from setops.api.names import ANNOTATION_PAUSED
from setops.kube.cluster import Cluster
from setops.kube.errors import Conflict
from setops.reconcile import revisions
from setops.reconcile.context import Context


def holder(cluster: Cluster, stage: Object, namespace: str) -> Object | None:
    """The running Changeset that holds the Stage's lock; None when the lock is free.

    One that has changed nothing yet, and won't for now, doesn't keep others waiting.
    """
    lock = (stage.get("status") or {}).get("currentChangeset")
    if not lock:
        return None
    found = cluster.get(Key(CHANGESET, namespace, lock["changeset"]))
    if found is None or found["metadata"]["uid"] != lock["uid"] or phase_of(found).finished:
        return None
    return found if has_begun(found) or _will_begin(found) else None


def has_begun(changeset: Object) -> bool:
    """Whether a commit or its rollback is under way, so that it may have changed something."""
    return phase_of(changeset) in (Phase.APPLYING, Phase.ROLLING_BACK)


def _will_begin(changeset: Object) -> bool:
    """Whether nobody has paused or withdrawn a commit that has taken the lock and no more."""
    spec = changeset["spec"]
    paused = ANNOTATION_PAUSED in (changeset["metadata"].get("annotations") or ())
    return bool(spec.get("commit")) and not spec.get("discard") and not paused


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


async def show_wait(context: Context, stage: Object, changeset: Object, waiting_for: str) -> None:
    """Show on the lock what its holder waits for.

    A conflict is ignored, since the Changeset's own status says the same.
    """
    latest = context.cluster.get(key_of(stage)) or stage
    status = latest.get("status") or {}
    lock = status.get("currentChangeset")
    if not lock or lock["uid"] != changeset["metadata"]["uid"]:
        return
    if lock.get("waitingFor") == waiting_for:
        return
    with suppress(Conflict):
        await context.cluster.swap_status(
            latest, {**status, "currentChangeset": {**lock, "waitingFor": waiting_for}}
        )


async def release(context: Context, stage: Object, changeset: Object) -> None:
    """Free the lock if this Changeset holds it, and show the Stage's revision."""
    status = stage.get("status") or {}
    lock = status.get("currentChangeset")
    if not lock or lock["uid"] != changeset["metadata"]["uid"]:
        return
    revision = revisions.latest_number(context.cluster, stage)
    await context.cluster.swap_status(
        stage, {**status, "currentChangeset": None, "revision": revision}
    )
