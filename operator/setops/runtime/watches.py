"""What the watches bring, before kopf sees it: whole listings, events, signs of life.

kopf hands on one event per object, but it does not tell of an object that vanished while a watch
was interrupted, nor when a kind has been listed, nor of bookmarks; and it spends half a
millisecond and 1.5 KiB on every object that it hears of. So its HTTP session shows us everything
first:

- A listing is taken into the cache as a whole, what is no longer in it is dropped, and kopf gets
  the listing without its items.
- Events too go to the cache directly; kopf gets to know the version alone, from which it has to go
  on. Should an event come to its handler all the same, that does no harm: the handlers do the same.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, cast

import aiohttp

from setops.api.kinds import Key, Kind, Object, key_of
from setops.kube.cache import Cache, version_of

if TYPE_CHECKING:
    from aiohttp.connector import Connection

_EVENTS: Final = frozenset({"ADDED", "MODIFIED", "DELETED"})


class Feed:
    """Takes listings of `kinds` into the cache and knows which kinds have been listed."""

    def __init__(
        self, cache: Cache, kinds: Iterable[Kind], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cache = cache
        self._kinds = {kind.path(): kind for kind in kinds}
        self._missing = set(self._kinds.values())
        self._pages: dict[Kind, set[Key]] = {}
        self._clock = clock
        self._heard_at = clock()
        self.synced = asyncio.Event()
        """Set when every kind has been listed once."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The kinds that have not been listed yet, as `plural.group`."""
        return tuple(sorted(f"{kind.plural}.{kind.group}".rstrip(".") for kind in self._missing))

    @property
    def silence(self) -> float:
        """Seconds since any watch brought anything, be it a bookmark."""
        return self._clock() - self._heard_at

    def kind_at(self, path: str) -> Kind | None:
        """The kind whose collection in all namespaces is at a URL's path."""
        return self._kinds.get(path)

    def heard(self) -> None:
        """Note a sign of life."""
        self._heard_at = self._clock()

    def take(self, type_: str | None, obj: Object) -> None:
        """Take up one event of a watch; `type_` is None for what kopf found in a listing."""
        if type_ == "DELETED":
            self._cache.drop(key_of(obj), version_of(obj))
        else:
            self._cache.put(obj)

    def page(self, kind: Kind, listing: Object, *, first: bool) -> None:
        """Take up one page of a listing; with the last one, forget what was on none of them."""
        self.heard()
        if first:
            self._pages[kind] = set()
        keys = self._pages.setdefault(kind, set())
        for item in listing.get("items") or ():
            item["apiVersion"] = kind.api_version
            item["kind"] = kind.kind
            keys.add(key_of(item))
            self._cache.put(item)
        metadata = listing["metadata"]
        if metadata.get("continue"):
            return
        self._cache.retain(kind, self._pages.pop(kind), int(metadata["resourceVersion"]))
        self._missing.discard(kind)
        if not self._missing:
            self.synced.set()


def response_class(feed: Feed) -> type[aiohttp.ClientResponse]:
    """The class of the answers in a session that shows everything to `feed` first."""

    class Overheard(aiohttp.ClientResponse):
        async def start(self, connection: Connection) -> aiohttp.ClientResponse:
            started = await super().start(connection)
            if self.status == 200 and "watch" in self.url.query:
                feed.heard()
                is_ours = feed.kind_at(self.url.path) is not None
                stream = Stream(self.content, feed, take=is_ours)
                self.content = cast(aiohttp.StreamReader, stream)
            return started

        async def json(
            self,
            *,
            encoding: str | None = None,
            loads: Callable[[str], Any] = json.loads,
            content_type: str | None = "application/json",
        ) -> Any:
            body = await super().json(encoding=encoding, loads=loads, content_type=content_type)
            kind = feed.kind_at(self.url.path)
            if self.status != 200 or kind is None or "watch" in self.url.query:
                return body
            feed.page(kind, body, first="continue" not in self.url.query)
            return {**body, "items": []}

    return Overheard


class Stream:
    """The stream of a watch, one event a line."""

    def __init__(self, content: aiohttp.StreamReader, feed: Feed, *, take: bool) -> None:
        self._content = content
        self._feed = feed
        self._take = take

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        rest = b""
        async for chunk in self._content.iter_chunked(size):
            self._feed.heard()
            if not self._take:
                yield chunk
                continue
            *lines, rest = (rest + chunk).split(b"\n")
            if lines:
                yield b"".join(self._passed(line) + b"\n" for line in lines)

    def _passed(self, line: bytes) -> bytes:
        """Take up one event; what kopf gets in its place."""
        event = json.loads(line) if line else {}
        if event.get("type") not in _EVENTS:
            return line
        obj = event["object"]
        self._feed.take(event["type"], obj)
        version = {"resourceVersion": obj["metadata"]["resourceVersion"]}
        return json.dumps({"type": "BOOKMARK", "object": {"metadata": version}}).encode()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)
