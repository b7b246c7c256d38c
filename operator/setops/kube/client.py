"""Requests to the API server, one method per verb. Objects are plain dictionaries.

Every write names the field manager `setops`. It asks for strict validation too: a field that the
schema doesn't know is refused rather than dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlencode

from setops.api.kinds import Key, Kind, Object, key_of, kind_of
from setops.api.names import MANAGER
from setops.kube.body import TextError, encoded
from setops.kube.errors import BadRequest, Gone, Unavailable, error_of
from setops.kube.transport import JSON, Answer, Transport

Verb = Literal["get", "list", "create", "update", "apply", "patch", "delete"]
Observer = Callable[[Verb, Kind, int, bool], None]
"""Hears of every answer: verb, kind, HTTP status (0 if there was none), whether a dry run."""

Propagation = Literal["Background", "Foreground", "Orphan"]

PAGE: Final = 500
"""How many objects one request of a list asks for."""

_METADATA_LIST: Final = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_MERGE_PATCH: Final = "application/merge-patch+json"
_APPLY_PATCH: Final = "application/apply-patch+yaml"  # `body` writes JSON that is YAML


@dataclass(frozen=True, slots=True)
class _Request:
    verb: Verb
    target: Key | Kind
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: Object | None = None
    content_type: str = JSON
    dry_run: bool = False
    accept: str = JSON

    @property
    def kind(self) -> Kind:
        return self.target.kind if isinstance(self.target, Key) else self.target

    async def by(self, transport: Transport) -> Answer:
        url = f"{self.path}?{urlencode(self.query)}" if self.query else self.path
        content_type = "" if self.body is None else self.content_type
        body = None if self.body is None else encoded(self.body)
        return await transport.request(
            self.method, url, content_type=content_type, body=body, accept=self.accept
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects a list asks for: in all namespaces unless one is named."""

    kind: Kind
    namespace: str = ""
    label_selector: str = ""
    field_selector: str = ""
    page: int = PAGE
    """How many objects each request asks for."""

    def query(self) -> dict[str, str]:
        """The query of the first request."""
        selectors = {"labelSelector": self.label_selector, "fieldSelector": self.field_selector}
        return {"limit": str(self.page)} | {name: v for name, v in selectors.items() if v}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    items: Sequence[Object]
    version: int
    """The resourceVersion of the list, which all its pages share."""
    starts_list: bool
    """What earlier pages held no longer counts."""


@dataclass(frozen=True, slots=True)
class Versions:
    """The names and versions of all objects of a kind at one moment."""

    version: int
    """The resourceVersion of the list."""
    items: Mapping[Key, int]
    """The resourceVersion of each object."""


class Client:
    """The verbs of the API server.

    Every method raises an `ApiError`. Requests run concurrently up to the transport's bound.
    """

    def __init__(self, transport: Transport, *, observer: Observer | None = None) -> None:
        self._transport = transport
        self._observer = observer

    async def get(self, key: Key) -> Object:
        """The live object. Raises NotFound."""
        return await self._call(_Request("get", key, "GET", _path(key)))

    async def list(
        self,
        kind: Kind,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        page: int = PAGE,
    ) -> Sequence[Object]:
        """All live objects of a kind, in one namespace or in all."""
        found: list[Object] = []

        def take(page: Page) -> None:
            if page.starts_list:
                found.clear()
            found.extend(page.items)

        await self.read_pages(
            Selection(kind, namespace, label_selector, field_selector, page), take
        )
        return found

    async def versions(self, kind: Kind, *, page: int = PAGE) -> Versions:
        """The names and versions of all live objects of a kind, in all namespaces."""
        items: dict[Key, int] = {}
        version = 0

        def take(page: Page) -> None:
            nonlocal version
            version = page.version
            if page.starts_list:
                items.clear()
            for item in page.items:
                items[key_of(item)] = int(item["metadata"]["resourceVersion"])

        await self.read_pages(Selection(kind, page=page), take, accept=_METADATA_LIST)
        return Versions(version, items)

    async def read_pages(
        self, selection: Selection, take: Callable[[Page], None], *, accept: str = JSON
    ) -> None:
        """List objects page by page, each with its `apiVersion` and `kind`.

        The pages belong to one moment. If that grows too old before the last page, the list starts
        anew. A page is released before the next one is asked for, unless `take` keeps it.
        """
        kind, query = selection.kind, selection.query()
        path = kind.path(selection.namespace)
        while True:
            try:
                listing = await self._call(
                    _Request("list", kind, "GET", path, query, accept=accept)
                )
            except Gone:
                if not query.pop("continue", None):
                    raise
                continue
            token = listing["metadata"].get("continue")
            take(_page(kind, listing, starts_list="continue" not in query))
            del listing
            if not token:
                return
            query["continue"] = token

    async def create(self, obj: Object, *, dry_run: bool = False) -> Object:
        """Create an object; with `generateName` the server names it. Raises AlreadyExists."""
        kind = kind_of(obj)
        metadata = obj["metadata"]
        key = Key(kind, metadata.get("namespace", ""), metadata.get("name", ""))
        path, query = kind.path(key.namespace), _write(dry_run)
        return await self._call(_Request("create", key, "POST", path, query, obj, dry_run=dry_run))

    async def replace(self, obj: Object, *, dry_run: bool = False) -> Object:
        """Replace the live object.

        Raises NotFound. Raises Conflict if `obj` carries a `resourceVersion` that isn't the newest.
        """
        key = key_of(obj)
        return await self._call(
            _Request("update", key, "PUT", _path(key), _write(dry_run), obj, dry_run=dry_run)
        )

    async def apply(self, obj: Object, *, dry_run: bool = False) -> Object:
        """Server-side apply: create the object, or make it have what `obj` has.

        Fields that we applied before and no longer do are removed, unless somebody else owns them
        too. Fields of other managers are taken over.
        """
        key = key_of(obj)
        query = _write(dry_run) | {"force": "true"}
        return await self._call(
            _Request("apply", key, "PATCH", _path(key), query, obj, _APPLY_PATCH, dry_run)
        )

    async def merge_patch(self, key: Key, patch: Object, *, subresource: str = "") -> Object:
        """JSON merge patch (RFC 7396): null removes, lists are replaced whole.

        Raises NotFound, and Conflict when the patch carries a stale `metadata.resourceVersion`.
        """
        path, query = _path(key, subresource), _write()
        return await self._call(_Request("patch", key, "PATCH", path, query, patch, _MERGE_PATCH))

    async def delete(
        self,
        key: Key,
        *,
        uid: str = "",
        propagation: Propagation | None = None,
        dry_run: bool = False,
    ) -> Object | None:
        """Delete an object. Returns None if it is gone, or what stays until its finalizers end.

        Raises NotFound. Raises Conflict if the object has another `uid`.
        """
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if uid:
            options["preconditions"] = {"uid": uid}
        if propagation:
            options["propagationPolicy"] = propagation
        if dry_run:
            options["dryRun"] = ["All"]
        answer = await self._call(
            _Request("delete", key, "DELETE", _path(key), body=options, dry_run=dry_run)
        )
        return None if answer.get("kind") == "Status" else answer

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def _call(self, request: _Request) -> Object:
        try:
            answer = await request.by(self._transport)
        except TextError as error:
            raise BadRequest(str(error), reason="BadRequest", target=request.target) from error
        except self._transport.failures as error:
            self._observe(request, 0)
            text = str(error) or type(error).__name__
            raise Unavailable(text, reason=type(error).__name__, target=request.target) from error
        self._observe(request, answer.status)
        if answer.status >= 400:
            wait = answer.headers.get("Retry-After")
            raise error_of(answer.status, answer.body, target=request.target, retry_after=wait)
        try:
            loaded: Object = json.loads(answer.body)
        except ValueError as error:
            text = f"The answer is no JSON: {answer.body[:100]!r}"
            raise Unavailable(text, status=answer.status, target=request.target) from error
        return loaded

    def _observe(self, request: _Request, status: int) -> None:
        if self._observer:
            self._observer(request.verb, request.kind, status, request.dry_run)


def _page(kind: Kind, listing: Object, *, starts_list: bool) -> Page:
    items = listing["items"] or []
    for item in items:
        item["apiVersion"], item["kind"] = kind.api_version, kind.kind
    return Page(items, int(listing["metadata"]["resourceVersion"]), starts_list)


def _path(key: Key, subresource: str = "") -> str:
    return key.kind.path(key.namespace, key.name, subresource)


def _write(dry_run: bool = False) -> dict[str, str]:
    query = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
    return query | {"dryRun": "All"} if dry_run else query
