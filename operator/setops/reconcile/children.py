"""Child objects: written when they differ, removed when no longer wanted.

An object that has a child's name and isn't ours is never touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from enum import Enum
from typing import Final

from setops.api.conditions import Reason
from setops.api.kinds import GROUP, Kind, Object, key_of
from setops.kube.cluster import Cluster
from setops.kube.errors import AlreadyExists, Forbidden, Invalid, TooLarge
from setops.reconcile.report import Stalled, Waiting
from setops.reconcile.stage_around import is_deleting, labels_of

POLL: Final = 5.0
"""Seconds between two looks at a foreign object that has a child's name. It isn't watched."""

_IMMUTABLE: Final = ("immutable", "may not change once set", "cannot change roleRef")
"""Words of the API server about fields that never change."""


async def apply_all(cluster: Cluster, objects: Iterable[Object]) -> None:
    """Write those children that differ, all at once.

    Raises Stalled for an object that is somebody else's or that can't be changed, and Waiting in a
    terminating namespace or while a child of an earlier owner is being deleted.
    """
    results = await asyncio.gather(
        *(apply_own(cluster, obj) for obj in objects), return_exceptions=True
    )
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def apply_own(cluster: Cluster, desired: Object) -> Object:
    """Write one child if it differs. Raises as `apply_all` does."""
    key = key_of(desired)
    live = cluster.get(key)
    if live is not None and ownership_of(live, desired) is not ChildOwnership.OURS:
        # An object that isn't ours isn't watched, so the cache may be out of date.
        live = await cluster.fetch(key)
    try:
        if live is None:
            try:
                return await cluster.apply(desired)
            except AlreadyExists:
                live = await cluster.fetch(key)
        if live is not None:
            refuse_foreign(live, desired)
        return await cluster.apply(desired, live)
    except TooLarge as error:
        raise Stalled(
            Reason.VALIDATION_FAILED,
            f"{key.kind} {key.name!r} would be larger than Kubernetes can store ({error.message}); "
            "move large values into Secrets",
        ) from error
    except Invalid as error:
        _refuse_immutable(desired, error)
        raise
    except Forbidden as error:
        if error.namespace_terminating:
            raise Waiting(
                Reason.NAMESPACE_TERMINATING, "the namespace is being deleted", again=5
            ) from error
        raise


async def dry_run_own(cluster: Cluster, desired: Object) -> None:
    """Ask the API server whether it would take a child, without writing it.

    Raises Stalled for an object that is somebody else's, and whatever the API server raises.
    """
    live = cluster.get(key_of(desired))
    if live is not None and ownership_of(live, desired) is ChildOwnership.FOREIGN:
        refuse_foreign(live, desired)
    await cluster.dry_run(desired)


async def remove_unwanted(
    cluster: Cluster, owner: Object, wanted: Iterable[Object], kinds: Collection[Kind]
) -> None:
    """Delete children of these kinds that the owner has and no longer wants."""
    keep = {key_of(obj) for obj in wanted}
    for child in cluster.owned_by(owner["metadata"]["uid"]):
        key = key_of(child)
        if key.kind in kinds and key not in keep and not is_deleting(child):
            await cluster.delete(key, uid=child["metadata"]["uid"])


class ChildOwnership(Enum):
    """Who owns an object that has the name of a child."""

    OURS = "ours"
    EARLIER = "an earlier owner's of the same name; the garbage collector deletes it"
    FOREIGN = "somebody else's"


def ownership_of(live: Object, desired: Object) -> ChildOwnership:
    """Judged by the controller reference, or by our labels if the object has none."""
    ours = _controller(desired)
    controller = _controller(live)
    if not controller:
        wanted = labels_of(desired).items()
        return ChildOwnership.OURS if wanted <= labels_of(live).items() else ChildOwnership.FOREIGN
    if controller["uid"] == ours["uid"]:
        return ChildOwnership.OURS
    same = all(controller[field] == ours[field] for field in ("apiVersion", "kind", "name"))
    return ChildOwnership.EARLIER if same else ChildOwnership.FOREIGN


def refuse_foreign(live: Object, desired: Object) -> None:
    """Raise Stalled for somebody else's object, and Waiting for an earlier owner's."""
    what = f"{live['kind']} {live['metadata']['name']!r}"
    match ownership_of(live, desired):
        case ChildOwnership.OURS:
            return
        case ChildOwnership.EARLIER:
            raise Waiting(
                Reason.PROGRESSING,
                f"waits for {what} of an earlier {_controller(desired)['kind']} to go",
                again=1,
            )
        case ChildOwnership.FOREIGN:
            owner = _controller(desired)
            renamed = owner["apiVersion"].startswith(f"{GROUP}/")
            raise Stalled(
                Reason.OBJECT_TAKEN,
                f"{what} exists in the namespace and isn't ours, so it is not touched; remove it"
                + (f", or give the {owner['kind']} another name" if renamed else ""),
                again=POLL,
            )


def _refuse_immutable(desired: Object, error: Invalid) -> None:
    """Raise Stalled if the API server never changes what differs.

    Somebody has marked a Secret immutable, for example, or made an object anew in our name.
    """
    locked = [
        f"{path}: {message}"
        for path, _, message in error.causes
        if any(words in message for words in _IMMUTABLE)
    ]
    if locked:
        what = f"{desired['kind']} {desired['metadata']['name']!r}"
        raise Stalled(
            Reason.OBJECT_TAKEN,
            f"{what} isn't as it should be, and the API server doesn't change it "
            f"({'; '.join(locked)}); delete it, and the operator makes it anew",
            again=POLL,
        ) from error


def _controller(obj: Object) -> Object:
    """The reference to an object's controller; empty when it has none."""
    references: list[Object] = obj["metadata"].get("ownerReferences") or []
    return next((reference for reference in references if reference.get("controller")), {})
