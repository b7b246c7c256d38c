"""The latest known state of every object of the watched kinds.

Watch events and the answers to our own writes both come here, in any order. The newer
`resourceVersion` wins, so a reconciler reads its own writes. Resource versions of one kind are
compared as integers, which Kubernetes guarantees since 1.35 and etcd has always provided.

Kinds that users write, and namespaces, are read all the time. They are kept as dictionaries that
all readers share and must not change. Other children are kept as JSON text, which takes a third of
the memory, and parsed at each read. Not thread-safe: a cache belongs to one event loop.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json, to_json

from setops.api.kinds import NAMESPACE, Key, Kind, Object, key_of
from setops.kube.watched import WATCHED, WRITTEN_BY_USERS

_READ_OFTEN: Final = frozenset({*WRITTEN_BY_USERS, NAMESPACE})

TOMBSTONES: Final = 4096
"""How many deleted objects are remembered, so that a late answer can't revive them."""


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """What happened to one object: `old` is None if it is new, `new` is None if it is gone."""

    key: Key
    old: Object | None
    new: Object | None
    of_status_alone: bool = False
    """Nothing but the status changed."""


@dataclass(slots=True)
class _Cached:
    version: int
    owners: tuple[str, ...]
    content: Object | bytes
    """The trimmed object; as text without its resourceVersion, which alone is no change."""
    status_at: int = 0
    """Where the status begins in the text."""
    mark: str = ""
    """See `Cache.mark`."""

    def read(self) -> Object:
        if isinstance(self.content, bytes):
            obj: Object = from_json(self.content)
            obj["metadata"]["resourceVersion"] = str(self.version)
            return obj
        return self.content


class Cache:
    """Objects by key, by kind and namespace, and by the uid of their owners.

    `listener` hears of every change, whether an event or one of our own writes brought it. A new
    resourceVersion alone is no change. It is called at once and must not block.
    """

    def __init__(self, listener: Callable[[ObjectChange], None] | None = None) -> None:
        self.listener = listener
        self._entries: dict[Kind, dict[str, dict[str, _Cached]]] = {}
        self._owned: dict[str, dict[Key, None]] = {}
        self._gone: OrderedDict[Key, int] = OrderedDict()

    def put(self, obj: Object) -> bool:
        """Store an object unless a newer version is known. Returns whether anything changed.

        After a deletion, only a higher resourceVersion brings the object back. Objects of kinds
        that aren't watched are not stored: nothing would keep them up to date.
        """
        key = key_of(obj)
        if key.kind not in WATCHED:
            return False
        if version_of(obj) <= self.version(key):
            return False
        old = self._entry(key)
        trimmed = WATCHED[key.kind].trimmed(obj)
        new = _entry(key.kind, trimmed)
        self._gone.pop(key, None)
        self._entries.setdefault(key.kind, {}).setdefault(key.namespace, {})[key.name] = new
        if old is None or old.owners != new.owners:
            self._disown(key, old)
            for owner in new.owners:
                self._owned.setdefault(owner, {})[key] = None
        of_status_alone = old is not None and _same_but_status(old, new)
        if old is not None and of_status_alone:
            new.mark = old.mark
            if _same_status(old, new):
                return False
        if self.listener:
            self.listener(ObjectChange(key, old.read() if old else None, trimmed, of_status_alone))
        return True

    def drop(self, key: Key, version: int = 0) -> bool:
        """Forget an object that was deleted at `version`. Returns whether it was known.

        An object newer than `version` was created again since, and stays.
        """
        old = self._entry(key)
        known = self.version(key)
        if version and version < known:
            return False
        self._bury(key, max(version, known))
        if old is None:
            return False
        namespaces = self._entries[key.kind]
        names = namespaces[key.namespace]
        del names[key.name]
        if not names:
            del namespaces[key.namespace]
        self._disown(key, old)
        if self.listener:
            self.listener(ObjectChange(key, old.read(), None))
        return True

    def retain(self, kind: Kind, keys: Iterable[Key], version: int) -> Sequence[Key]:
        """Forget the objects of a kind that a complete list at `version` does not contain.

        Objects newer than the list stay. Returns the keys that were forgotten.
        """
        listed = set(keys)
        vanished = [
            key
            for key, entry in self._of_kind(kind)
            if entry.version <= version and key not in listed
        ]
        for key in vanished:
            self.drop(key, version)
        return vanished

    def get(self, key: Key) -> Object | None:
        """The latest known state of an object, trimmed."""
        entry = self._entry(key)
        return entry.read() if entry else None

    def version(self, key: Key) -> int:
        """The newest known version of an object, or the version of its deletion; -1 if unknown."""
        entry = self._entry(key)
        return entry.version if entry else self._gone.get(key, -1)

    def list(self, kind: Kind, namespace: str | None = None) -> Sequence[Object]:
        """All known objects of a kind, in one namespace or in all."""
        namespaces = self._entries.get(kind, {})
        chosen = namespaces.values() if namespace is None else (namespaces.get(namespace, {}),)
        return tuple(entry.read() for names in chosen for entry in names.values())

    def keys(self, kind: Kind, namespace: str | None = None) -> Sequence[Key]:
        """The keys of all known objects of a kind, in one namespace or in all."""
        return tuple(key for key, _ in self._of_kind(kind, namespace))

    def count(self, kind: Kind, namespace: str) -> int:
        """How many objects of a kind are known in a namespace."""
        return len(self._entries.get(kind, {}).get(namespace, {}))

    def keys_with_prefix(self, kind: Kind, namespace: str, prefix: str) -> Sequence[Key]:
        """The keys of the objects of a kind in a namespace whose names begin with `prefix`."""
        names = self._entries.get(kind, {}).get(namespace, {})
        return tuple(Key(kind, namespace, name) for name in names if name.startswith(prefix))

    def owned_by(self, uid: str) -> Sequence[Object]:
        """The known objects that name `uid` among their owners."""
        owned = (self.get(key) for key in self._owned.get(uid, ()))
        return tuple(obj for obj in owned if obj is not None)

    def mark(self, key: Key, text: str) -> None:
        """Leave a mark on an object. It is dropped when anything but the status changes."""
        entry = self._entry(key)
        if entry is not None:
            entry.mark = text

    def mark_of(self, key: Key) -> str:
        """The mark that was left on an object since it last changed; empty if there is none."""
        entry = self._entry(key)
        return entry.mark if entry else ""

    def marks_of_children(self, uid: str) -> Sequence[str]:
        """The marks of the known objects that name `uid` among their owners, one for each."""
        return tuple(self.mark_of(key) for key in self._owned.get(uid, ()))

    def counts(self) -> Counter[Kind]:
        """How many objects of each kind are known."""
        return Counter(
            {kind: sum(map(len, names.values())) for kind, names in self._entries.items()}
        )

    def _entry(self, key: Key) -> _Cached | None:
        namespaces = self._entries.get(key.kind)
        names = namespaces.get(key.namespace) if namespaces else None
        return names.get(key.name) if names else None

    def _of_kind(self, kind: Kind, namespace: str | None = None) -> Iterator[tuple[Key, _Cached]]:
        namespaces = self._entries.get(kind, {})
        chosen = namespaces if namespace is None else (namespace,)
        for where in chosen:
            for name, entry in namespaces.get(where, {}).items():
                yield Key(kind, where, name), entry

    def _disown(self, key: Key, entry: _Cached | None) -> None:
        for owner in entry.owners if entry else ():
            owned = self._owned.get(owner, {})
            owned.pop(key, None)
            if not owned:
                self._owned.pop(owner, None)

    def _bury(self, key: Key, version: int) -> None:
        self._gone[key] = version
        self._gone.move_to_end(key)
        if len(self._gone) > TOMBSTONES:
            self._gone.popitem(last=False)


def version_of(obj: Object) -> int:
    """The resourceVersion of an object as a number; 0 when it has none."""
    return int(obj["metadata"].get("resourceVersion") or 0)


def _entry(kind: Kind, trimmed: Object) -> _Cached:
    owners = trimmed["metadata"].get("ownerReferences") or ()
    uids = tuple(sys.intern(owner["uid"]) for owner in owners)
    if kind in _READ_OFTEN:
        return _Cached(version_of(trimmed), uids, _interned(trimmed))
    metadata = {k: v for k, v in trimmed["metadata"].items() if k != "resourceVersion"}
    rest = {name: value for name, value in trimmed.items() if name != "status"}
    text = to_json({**rest, "metadata": metadata})
    status_at = len(text) - 1
    if trimmed.get("status"):
        text = text[:-1] + b',"status":' + to_json(trimmed["status"]) + b"}"
    return _Cached(version_of(trimmed), uids, text, status_at)


def _interned(value: Any) -> Any:
    """A copy that shares equal strings with all other objects of the process."""
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, dict):
        return {sys.intern(key): _interned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_interned(item) for item in value]
    return value


def _same_but_status(old: _Cached, new: _Cached) -> bool:
    if isinstance(old.content, bytes) and isinstance(new.content, bytes):
        return old.content[: old.status_at] == new.content[: new.status_at]
    return _without_status(old.read()) == _without_status(new.read())


def _same_status(old: _Cached, new: _Cached) -> bool:
    if isinstance(old.content, bytes) and isinstance(new.content, bytes):
        return old.content[old.status_at :] == new.content[new.status_at :]
    return old.read().get("status") == new.read().get("status")


def _without_status(obj: Object) -> Object:
    rest = {name: value for name, value in obj.items() if name != "status"}
    return {**rest, "metadata": {**obj["metadata"], "resourceVersion": ""}}
