"""The API server for a program that makes one request at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from setops.api.kinds import Key, Kind, Object
from setops.kube.client import Client
from setops.kube.errors import NotFound
from setops.kube.light import finish

_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


class ApiServer:
    """Every method raises the `ApiError`s of `Client`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """The live object. Raises NotFound."""
        key = Key(kind, namespace, name)
        if not all(map(_could_be, (namespace, name) if kind.namespaced else (name,))):
            # A slash in the name would make it a request for something else.
            raise NotFound(f"{key} can't exist", status=404, reason="NotFound", target=key)
        return finish(self._client.get(key))

    def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The live object, or None."""
        try:
            return self.get(kind, namespace, name)
        except NotFound as error:
            if error.reason != "NotFound":
                raise
            return None

    def list(
        self, kind: Kind, namespace: str = "", selector: str = "", fields: str = ""
    ) -> Sequence[Object]:
        """All objects of a kind, in one namespace or in all, by name.

        `selector` and `fields` are a label selector and a field selector.
        """
        if namespace and not _could_be(namespace):
            return []
        found = finish(
            self._client.list(kind, namespace, label_selector=selector, field_selector=fields)
        )
        return sorted(
            found,
            key=lambda item: (item["metadata"].get("namespace", ""), item["metadata"]["name"]),
        )

    def create(self, obj: Object) -> Object:
        """Create an object. Raises AlreadyExists."""
        return finish(self._client.create(obj))

    def apply(self, obj: Object) -> Object:
        """Create an object, or set the fields that `obj` has."""
        return finish(self._client.apply(obj))

    def patch(self, kind: Kind, namespace: str, name: str, patch: Object) -> Object:
        """Merge a patch into an object. With a `resourceVersion` in it, raises Conflict."""
        return finish(self._client.merge_patch(Key(kind, namespace, name), patch))

    def delete(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Delete an object. Returns None if it is gone, or the object that is being deleted."""
        return finish(self._client.delete(Key(kind, namespace, name)))

    def close(self) -> None:
        """Close the connection."""
        finish(self._client.close())


def _could_be(name: str) -> bool:
    """Whether an object can have this name."""
    return _NAME.fullmatch(name) is not None
