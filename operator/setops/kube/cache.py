"""The latest known state of every object that the operator watches or has written.

Watch events and the answers to our own writes both come here, in any order: the newer
`resourceVersion` wins, so a reconciler reads its own writes. Resource versions of one kind are
compared as integers, which Kubernetes guarantees since 1.35 and etcd has always provided.

Objects in the cache are shared: they must not be changed. Not thread-safe; all in one event loop.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from setops.api.kinds import Key, Kind, Object, key_of
from setops.kube.trim import trim

TOMBSTONES: Final = 4096
"""Deleted objects of which the version is remembered, so that a late answer can't revive them."""


@dataclass(frozen=True, slots=True)
class Change:
    """One object became another: `old` is None when it appeared, `new` when it is gone."""

    key: Key
    old: Object | None
    new: Object | None


class Cache:
    """Objects by key, by kind and namespace, and by the uid of their owners.

    `listener` is told of every change but those of the resourceVersion alone, wherever it comes
    from; it is called at once and must not block.
    """

    def __init__(self, listener: Callable[[Change], None] | None = None) -> None:
        self.listener = listener
        self._objects: dict[Kind, dict[str, dict[str, Object]]] = {}
        self._owned: dict[str, dict[Key, None]] = {}
        self._gone: OrderedDict[Key, int] = OrderedDict()

    def put(self, obj: Object) -> bool:
        """Take up an object unless a newer one is known; whether that changed anything.

        An object whose deletion is known comes back only with a higher resourceVersion.
        """
        key = key_of(obj)
        version = version_of(obj)
        old = self.get(key)
        known = version_of(old) if old is not None else self._gone.get(key, -1)
        if version <= known:
            return False
        new = trim(key.kind, obj)
        self._gone.pop(key, None)
        self._objects.setdefault(key.kind, {}).setdefault(key.namespace, {})[key.name] = new
        if old is None or _owners(old) != _owners(new):
            self._disown(key, old)
            for owner in _owners(new):
                self._owned.setdefault(owner, {})[key] = None
        if old is not None and _same(old, new):
            return False
        self._tell(Change(key, old, new))
        return True

    def drop(self, key: Key, version: int = 0) -> bool:
        """Forget an object that was deleted at `version`; whether it was known.

        Nothing happens when the known one is newer than `version`, as it was created anew.
        """
        old = self.get(key)
        known = version_of(old) if old is not None else self._gone.get(key, -1)
        if version and version < known:
            return False
        self._bury(key, max(version, known))
        if old is None:
            return False
        namespaces = self._objects[key.kind]
        names = namespaces[key.namespace]
        del names[key.name]
        if not names:
            del namespaces[key.namespace]
        self._disown(key, old)
        self._tell(Change(key, old, None))
        return True

    def retain(self, kind: Kind, keys: Iterable[Key], version: int) -> Sequence[Key]:
        """Forget the objects of a kind that a whole listing at `version` did not contain.

        Those that are newer than the listing stay. Returns what was forgotten.
        """
        listed = set(keys)
        vanished = [
            key_of(obj)
            for obj in self.list(kind)
            if version_of(obj) <= version and key_of(obj) not in listed
        ]
        for key in vanished:
            self.drop(key, version)
        return vanished

    def get(self, key: Key) -> Object | None:
        """The latest known state of an object, trimmed."""
        namespaces = self._objects.get(key.kind)
        names = namespaces.get(key.namespace) if namespaces else None
        return names.get(key.name) if names else None

    def list(self, kind: Kind, namespace: str | None = None) -> Sequence[Object]:
        """All known objects of a kind, in one namespace or in all."""
        namespaces = self._objects.get(kind, {})
        if namespace is not None:
            return tuple(namespaces.get(namespace, {}).values())
        return tuple(obj for names in namespaces.values() for obj in names.values())

    def keys(self, kind: Kind) -> Sequence[Key]:
        """The keys of all known objects of a kind."""
        namespaces = self._objects.get(kind, {})
        return tuple(
            Key(kind, namespace, name) for namespace, names in namespaces.items() for name in names
        )

    def owned_by(self, uid: str) -> Sequence[Object]:
        """The known objects that name `uid` among their owners."""
        owned = (self.get(key) for key in self._owned.get(uid, ()))
        return tuple(obj for obj in owned if obj is not None)

    def counts(self) -> Counter[Kind]:
        """How many objects of each kind are known."""
        return Counter(
            {kind: sum(map(len, names.values())) for kind, names in self._objects.items()}
        )

    def _disown(self, key: Key, obj: Object | None) -> None:
        for owner in _owners(obj) if obj is not None else ():
            owned = self._owned.get(owner, {})
            owned.pop(key, None)
            if not owned:
                self._owned.pop(owner, None)

    def _bury(self, key: Key, version: int) -> None:
        self._gone[key] = version
        self._gone.move_to_end(key)
        if len(self._gone) > TOMBSTONES:
            self._gone.popitem(last=False)

    def _tell(self, change: Change) -> None:
        if self.listener:
            self.listener(change)


def version_of(obj: Object) -> int:
    """The resourceVersion of an object as a number; 0 when it has none."""
    return int(obj["metadata"].get("resourceVersion") or 0)


def _owners(obj: Object) -> tuple[str, ...]:
    return tuple(owner["uid"] for owner in obj["metadata"].get("ownerReferences") or ())


def _same(old: Object, new: Object) -> bool:
    if old.keys() != new.keys():
        return False
    for name, value in old.items():
        other = new[name]
        if name == "metadata":
            if {**value, "resourceVersion": ""} != {**other, "resourceVersion": ""}:
                return False
        elif value != other:
            return False
    return True
