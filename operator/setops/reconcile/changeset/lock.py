"""The lock of a Stage: who changes it, and since when. It lies in the Stage's status.

Whoever commits takes it before anything else is written, and others wait in the order in which
they asked. A lock whose Changeset is gone or has ended counts as free.
"""

from __future__ import annotations

from contextlib import suppress

from setops.api.changeset import Phase, phase_of
from setops.api.kinds import CHANGESET, Key, Object, key_of
from setops.api.names import ANNOTATION_PAUSED
from setops.kube.cache import version_of
from setops.kube.cluster import Cluster
from setops.kube.errors import Conflict
from setops.reconcile import revisions
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

    None when it is its turn. The order is that in which the API server took the commits.
    """
    metadata = changeset["metadata"]
    held = holder(cluster, stage, metadata["namespace"])
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

    That of a Changeset that nobody has looked at since is its present one.
    """
    known = (changeset.get("status") or {}).get("turn")
    return int(known) if known is not None else version_of(changeset)


def locked_by(cluster: Cluster, changeset: Object) -> Object | None:
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
        return bool(asked) and locked_by(cluster, changeset) is None
    return phase is Phase.QUEUED


def _will_go_on(changeset: Object) -> bool:
    """Not so one that its user holds back or takes back: nobody has to wait for that."""
    paused = ANNOTATION_PAUSED in (changeset["metadata"].get("annotations") or ())
    return not (paused or is_deleting(changeset) or changeset["spec"].get("discard"))


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


async def tell(context: Context, stage: Object, changeset: Object, waiting_for: str) -> None:
    """Say on the lock what its holder waits for; best effort, since its own status says so, too."""
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
    """Let go of the lock if this Changeset holds it, and show the Stage's revision."""
    status = stage.get("status") or {}
    lock = status.get("currentChangeset")
    if not lock or lock["uid"] != changeset["metadata"]["uid"]:
        return
    revision = revisions.latest_number(context.cluster, stage)
    await context.cluster.swap_status(
        stage, {**status, "currentChangeset": None, "revision": revision}
    )
