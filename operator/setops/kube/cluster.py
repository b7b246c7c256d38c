"""The cluster as reconcilers see it: reads come from the cache, and only differences are written.

The answer to a write goes into the cache at once, so the next read shows it. Returned objects are
trimmed and shared, so they must not be changed. The field manager is `MANAGER` of
`api/names`, which `client` puts into each request.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from setops.api.kinds import GROUP, SECRET, Key, Kind, Object, key_of
from setops.kube.cache import Cache, version_of
from setops.kube.client import Client, Propagation
from setops.kube.compare import differences
from setops.kube.errors import AlreadyExists, Conflict, NotFound
from setops.kube.watched import WATCHED

ANNOTATION_DESIRED: Final = f"{GROUP}/desired"
"""On a child object: the hash of what was applied. It shows when a field is no longer wanted."""

REPLACE_ATTEMPTS: Final = 4

NO_VERSION: Final = "1"
"""A resourceVersion that no object has, since etcd's first revision is empty.

An apply that carries it creates the object or is refused as a conflict.
"""

_log = logging.getLogger(__name__)


class Cluster:
    """Reads and writes objects. Every write may raise an `ApiError`."""

    def __init__(self, client: Client, cache: Cache) -> None:
        self.client = client
        self.cache = cache

    def get(self, key: Key) -> Object | None:
        """The object as last seen."""
        return self.cache.get(key)

    def list(self, kind: Kind, namespace: str | None = None) -> Sequence[Object]:
        """All objects of a watched kind as last seen, in one namespace or in all."""
        return self.cache.list(kind, namespace)

    def list_with_prefix(self, kind: Kind, namespace: str, prefix: str) -> Sequence[Object]:
        """The objects of a watched kind in a namespace whose names begin so."""
        found = map(self.cache.get, self.cache.keys_with_prefix(kind, namespace, prefix))
        return tuple(obj for obj in found if obj is not None)

    def owned_by(self, uid: str) -> Sequence[Object]:
        """The objects of watched kinds that name `uid` among their owners."""
        return self.cache.owned_by(uid)

    async def fetch(self, key: Key) -> Object | None:
        """The live object, untrimmed; None if there is none."""
        try:
            live = await self.client.get(key)
        except NotFound:
            self.cache.drop(key)
            return None
        self.cache.put(live)
        return live

    def mark_in_sync(self, obj: Object, inputs: str) -> None:
        """Remember that `obj` and all its children are as they should be; see `is_in_sync`."""
        stamps = self.cache.marks_of_children(obj["metadata"]["uid"])
        if all(stamps):
            self.cache.mark(key_of(obj), _in_sync_mark(obj, inputs, stamps))

    def is_in_sync(self, obj: Object, inputs: str) -> bool:
        """Whether object, children and other inputs are unchanged since `mark_in_sync`.

        `inputs` identifies everything else that the children are made from. Statuses don't count.
        """
        stamps = self.cache.marks_of_children(obj["metadata"]["uid"])
        return self.cache.mark_of(key_of(obj)) == _in_sync_mark(obj, inputs, stamps)

    async def apply(self, desired: Object, live: Object | None = None) -> Object:
        """Make a child object have what `desired` has, by at most one server-side apply.

        Nothing is written if it has that already. Where the apply leaves a difference, such as an
        item that somebody else added to a list of ours, the object is replaced.

        An object that the cache doesn't know is created. One that exists all the same is never
        taken over: this raises AlreadyExists. To take it over, `fetch` it first, find out whose it
        is, and pass it as `live`.
        """
        desired = _stamped(desired)
        key = key_of(desired)
        stamp = _stamp_of(desired)
        live = self.cache.get(key) or live
        if live is None:
            applied = await self._create_by_apply(desired)
        else:
            if key.kind != SECRET and self.cache.mark_of(key) == stamp:
                return live
            # The stamp shows most differences, and costs nothing to compare.
            if _stamp_of(live) == stamp and not differences(desired, live):
                self.cache.mark(key, stamp)
                return live
            applied = await self.client.apply(desired)
        left = differences(desired, applied)
        if left:
            applied = await self._enforce(desired, applied)
        seen = self._seen(applied)
        if not left and version_of(seen) == version_of(applied):
            self.cache.mark(key, stamp)
        return seen

    async def dry_run(self, desired: Object) -> None:
        """Send what `apply` would send as a dry run, if there is a difference.

        Raises what `apply` would raise.
        """
        desired = _stamped(desired)
        live = self.cache.get(key_of(desired))
        if live is None or _stamp_of(live) != _stamp_of(desired):
            await self.client.apply(desired, dry_run=True)

    async def create(self, obj: Object, *, dry_run: bool = False) -> Object:
        """Create an object. Raises AlreadyExists."""
        created = await self.client.create(obj, dry_run=dry_run)
        return created if dry_run else self._seen(created)

    async def replace(self, obj: Object, *, dry_run: bool = False) -> Object:
        """Replace the live object. Raises Conflict if it has changed since.

        `obj` must not be trimmed, so it comes from `fetch`.
        """
        replaced = await self.client.replace(obj, dry_run=dry_run)
        return replaced if dry_run else self._seen(replaced)

    async def swap_status(self, obj: Object, status: Mapping[str, Any]) -> Object:
        """Make `status` the whole status of `obj`. Nothing is written if it is so already.

        Raises Conflict if the object has changed since `obj` was read.
        """
        change = merge_patch(obj.get("status") or {}, status)
        if not change:
            return obj
        guard = {"resourceVersion": obj["metadata"]["resourceVersion"]}
        patch = {"metadata": guard, "status": change}
        return self._seen(await self.client.merge_patch(key_of(obj), patch, subresource="status"))

    async def add_finalizer(self, obj: Object, finalizer: str) -> Object:
        """Make sure that `obj` has a finalizer. Raises Conflict if the object has changed."""
        there = obj["metadata"].get("finalizers") or []
        if finalizer in there:
            return obj
        return await self._set_finalizers(obj, [*there, finalizer])

    async def remove_finalizer(self, obj: Object, finalizer: str) -> None:
        """Make sure that `obj` doesn't have a finalizer. This may be the end of the object.

        Does nothing if it is gone already. Raises Conflict if the object has changed.
        """
        there = obj["metadata"].get("finalizers") or []
        if finalizer not in there:
            return
        remaining = [name for name in there if name != finalizer]
        try:
            rest = await self._set_finalizers(obj, remaining)
        except NotFound:
            rest = obj
            remaining = []
        if rest["metadata"].get("deletionTimestamp") and not remaining:
            self.cache.drop(key_of(obj), version_of(rest))

    async def remove_annotation(self, obj: Object, name: str) -> Object:
        """Make sure that `obj` lacks an annotation. Raises Conflict if the object has changed."""
        metadata = obj["metadata"]
        if name not in (metadata.get("annotations") or {}):
            return obj
        guard = {"resourceVersion": metadata["resourceVersion"]}
        patch = {"metadata": {**guard, "annotations": {name: None}}}
        return self._seen(await self.client.merge_patch(key_of(obj), patch))

    async def delete(
        self,
        key: Key,
        *,
        uid: str = "",
        propagation: Propagation | None = None,
        dry_run: bool = False,
    ) -> Object | None:
        """Delete an object. With `uid`, delete only the object that has it.

        Returns what stays until its finalizers end, or None if it is gone or was gone before.
        Raises Conflict if another object has taken its name.
        """
        try:
            rest = await self.client.delete(key, uid=uid, propagation=propagation, dry_run=dry_run)
        except NotFound:
            rest = None
        if dry_run:
            return rest
        if rest is None:
            self.cache.drop(key)
            return None
        return self._seen(rest)

    async def _create_by_apply(self, desired: Object) -> Object:
        """Create an object by an apply, so that later applies can remove its fields again.

        Raises AlreadyExists.
        """
        versioned = {**desired["metadata"], "resourceVersion": NO_VERSION}
        try:
            return await self.client.apply({**desired, "metadata": versioned})
        except Conflict as error:
            raise AlreadyExists(
                f"{key_of(desired)} exists already",
                status=error.status,
                reason="AlreadyExists",
                target=error.target,
            ) from error

    async def _enforce(self, desired: Object, live: Object) -> Object:
        """Replace an object that an apply left different. Raises Conflict if others write."""
        for attempt in range(REPLACE_ATTEMPTS):
            try:
                live = await self.client.replace(_overlaid(live, desired))
                break
            except Conflict:  # most often a controller that reports its status
                if attempt == REPLACE_ATTEMPTS - 1:
                    raise
                live = await self.client.apply(desired)
        left = differences(desired, live)
        if left:
            what = ", ".join(left[:10])
            _log.warning("%s does not take what was written: %s", key_of(desired), what)
        return live

    async def _set_finalizers(self, obj: Object, finalizers: Sequence[str]) -> Object:
        version = obj["metadata"]["resourceVersion"]
        patch = {"metadata": {"resourceVersion": version, "finalizers": finalizers}}
        return self._seen(await self.client.merge_patch(key_of(obj), patch))

    def _seen(self, obj: Object) -> Object:
        """Store an answer in the cache. Returns it as readers of the cache would see it."""
        key = key_of(obj)
        self.cache.put(obj)
        found = self.cache.get(key)
        if found is None:  # deleted again, or of a kind that isn't watched
            row = WATCHED.get(key.kind)
            return row.trimmed(obj) if row else obj
        return found


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> Object:
    """The JSON merge patch (RFC 7396) that makes `new` of `old`; empty if they are equal.

    None in `new` means absent.
    """
    patch: Object = {name: None for name in old if new.get(name) is None}
    for name, value in new.items():
        before = old.get(name)
        if value is None or value == before:
            continue
        if isinstance(value, Mapping):
            inner = merge_patch(before if isinstance(before, Mapping) else {}, value)
            if inner or not isinstance(before, Mapping):
                patch[name] = inner
        else:
            patch[name] = value
    return patch


def _stamped(desired: Object) -> Object:
    """A copy with its hash as an annotation, and with a Secret's text as data.

    The hash leaves out the values of a Secret, since they are compared one by one.
    """
    if key_of(desired).kind == SECRET and desired.get("stringData"):
        text = {k: base64.b64encode(v.encode()).decode() for k, v in desired["stringData"].items()}
        desired = {**desired, "data": {**(desired.get("data") or {}), **text}}
        del desired["stringData"]
    hashed = desired
    if key_of(desired).kind == SECRET:
        hashed = {name: value for name, value in desired.items() if name != "data"}
    canonical = json.dumps(hashed, sort_keys=True, separators=(",", ":")).encode()
    metadata = desired["metadata"]
    annotations = {
        **(metadata.get("annotations") or {}),
        ANNOTATION_DESIRED: hashlib.sha256(canonical).hexdigest()[:16],
    }
    return {**desired, "metadata": {**metadata, "annotations": annotations}}


def _stamp_of(obj: Object) -> str:
    return str((obj["metadata"].get("annotations") or {}).get(ANNOTATION_DESIRED, ""))


def _in_sync_mark(obj: Object, inputs: str, stamps: Sequence[str]) -> str:
    # With the generation, since the cache may have a newer object by the time this is marked.
    generation = str(obj["metadata"].get("generation"))
    parts = (generation, inputs, *sorted(stamps))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _overlaid(live: Object, desired: Object) -> Object:
    """The live object with everything that `desired` sets.

    Labels, annotations and other metadata of others are kept. Fields that the API server allocates,
    such as a Service's address, it keeps by itself.
    """
    metadata = dict(live["metadata"])
    for name, value in desired["metadata"].items():
        is_map = isinstance(value, dict)
        metadata[name] = {**(metadata.get(name) or {}), **value} if is_map else value
    rest = {name: value for name, value in desired.items() if name != "metadata"}
    return {**live, **rest, "metadata": metadata}
