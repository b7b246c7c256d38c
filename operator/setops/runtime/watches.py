"""Keeps the cache in step with the cluster, and says whether it is.

Objects that users write come through kopf and its handlers; recounts find the changes that kopf
misses. Each kind of children has an informer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import aiohttp

from setops.api.kinds import Kind, Object, key_of
from setops.kube.cache import Cache, version_of
from setops.kube.client import Client
from setops.kube.connection import Connection
from setops.kube.informer import Informer, Watch
from setops.kube.recount import Pace, Recount
from setops.kube.watched import MADE_BY_OPERATOR, MANAGED, WATCHED, WRITTEN_BY_USERS

Event = Mapping[str, Any]
"""A `type` and an `object`, as kopf hands them on; the type is None for what it found in a list."""

_LISTED: Final = None


class Watches:
    """Brings the objects of all watched kinds into the cache."""

    def __init__(
        self,
        client: Client,
        cache: Cache,
        *,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._cache = cache
        self._missing = set(WATCHED)
        self._recounts = {
            kind: Recount(client, cache, kind, complete=self._complete, pace=pace)
            for kind in WRITTEN_BY_USERS
        }
        self._clock = clock
        self._heard_at = clock()
        self.synced = asyncio.Event()
        """Set once the cache has had all objects of every kind."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The kinds that the cache doesn't have in full yet, as `plural.group`."""
        return tuple(sorted(f"{kind.plural}.{kind.group}".rstrip(".") for kind in self._missing))

    @property
    def silence(self) -> float:
        """Seconds since the API server sent anything to any informer, be it a bookmark.

        kopf's watches don't count: it keeps their bookmarks to itself.
        """
        return self._clock() - self._heard_at

    def take(self, kind: Kind, event: Event) -> None:
        """Take an event of kopf's into the cache; the event has little left of its object then.

        kopf's views of an object refer to each other, and would keep all of it in memory until the
        next full garbage collection: a few large Changesets took hundreds of megabytes.
        """
        obj = dict(event["object"])
        try:
            self._take(kind, event["type"], obj)
        finally:
            for field in ("spec", "status"):
                event["object"].pop(field, None)
            event["object"]["metadata"].pop("managedFields", None)

    def _take(self, kind: Kind, type_: str | None, obj: Object) -> None:
        if type_ == "DELETED":
            self._cache.drop(key_of(obj), version_of(obj))
            return
        if type_ is _LISTED:
            # Before anything can fail: a recount makes up for what does.
            self._recounts[kind].soon()
        self._cache.put(obj)

    async def follow_children(self, connection: Connection) -> None:
        """Follow the kinds that the operator makes, until cancelled."""
        async with connection.session() as session, asyncio.TaskGroup() as group:
            for kind in MADE_BY_OPERATOR:
                informer = self._informer(kind, connection, session)
                group.create_task(informer.run(), name=f"informer {kind}")

    async def recount(self) -> None:
        """Count the objects that users write, again and again until cancelled."""
        async with asyncio.TaskGroup() as group:
            for kind, recount in self._recounts.items():
                group.create_task(recount.run(), name=f"recount {kind}")

    def _informer(
        self, kind: Kind, connection: Connection, session: aiohttp.ClientSession
    ) -> Informer:
        watch = Watch(self._client, session, connection.server, kind, MANAGED)
        return Informer(watch, self._cache, listed=self._listed, heard=self._heard)

    def _listed(self, kind: Kind) -> None:
        """Note that an informer has listed a kind.

        Whatever made it list anew may have interrupted kopf as well. If kopf then finds a kind
        empty, no handler is called.
        """
        self._complete(kind)
        for recount in self._recounts.values():
            recount.soon()

    def _heard(self) -> None:
        self._heard_at = self._clock()

    def _complete(self, kind: Kind) -> None:
        self._missing.discard(kind)
        if not self._missing:
            self.synced.set()
