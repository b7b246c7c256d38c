"""Children of an object: written when they differ, removed when no longer wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable

from setops.api.conditions import Reason
from setops.api.kinds import Kind, Object, key_of
from setops.kube.cluster import Cluster
from setops.kube.errors import Forbidden
from setops.reconcile.places import is_deleting
from setops.reconcile.report import Waiting


async def apply_all(cluster: Cluster, objects: Iterable[Object]) -> None:
    """Write those children that differ, at once.

    Raises Waiting in a terminating namespace, or while a child of an earlier life is going.
    """
    objects = list(objects)
    for obj in objects:
        _refuse_other_owner(cluster, obj)
    results = await asyncio.gather(*(cluster.apply(obj) for obj in objects), return_exceptions=True)
    for result in results:
        if isinstance(result, Forbidden) and result.namespace_terminating:
            raise Waiting(Reason.NAMESPACE_TERMINATING, "the namespace is being deleted", again=5)
        if isinstance(result, BaseException):
            raise result


async def remove_unwanted(
    cluster: Cluster, owner: Object, wanted: Iterable[Object], kinds: Collection[Kind]
) -> None:
    """Delete children of these kinds that the owner has and no longer wants."""
    keep = {key_of(obj) for obj in wanted}
    for child in cluster.owned_by(owner["metadata"]["uid"]):
        key = key_of(child)
        if key.kind in kinds and key not in keep and not is_deleting(child):
            await cluster.delete(key, uid=child["metadata"]["uid"])


def _refuse_other_owner(cluster: Cluster, desired: Object) -> None:
    """Two controllers of one object are refused by Kubernetes; the old one's child goes first."""
    key = key_of(desired)
    live = cluster.get(key)
    if live is None:
        return
    ours = {owner["uid"] for owner in desired["metadata"].get("ownerReferences") or ()}
    for owner in live["metadata"].get("ownerReferences") or ():
        if owner.get("controller") and owner["uid"] not in ours:
            raise Waiting(
                Reason.PROGRESSING,
                f"waits for {key}, which belongs to another {owner['kind']} of that name, to go",
                again=1,
            )
