"""Finds objects that vanished or changed without an event, by a list of names and versions.

This is for the kinds that users write, which kopf follows. Children have an informer, which makes
up for lost events itself, in `informer._list`.

kopf doesn't say when it has delivered all objects of a kind, or which ones vanished while its watch
was interrupted. An event is also lost when its handler raises. So the objects of a kind are
counted: at the start until the cache has them all, after every list of kopf's, and from time to
time. An object that the list lacks is dropped from the cache, unless it is newer than the list. One
that the cache lacks, or has in an older version, is fetched if its event doesn't arrive within a
few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from setops.api.kinds import Key, Kind
from setops.kube.cache import Cache
from setops.kube.client import PAGE, Client, Versions
from setops.kube.errors import ApiError, NotFound

FEW: Final = PAGE
"""A kind with at most this many objects is counted often: it takes one small request."""

_POLL: Final = 0.05

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Times of recounts, in seconds."""

    of_few: float = 60.0
    """Between two counts of a kind of few objects."""
    of_many: float = 600.0
    """Between two counts of any other kind."""
    quiet: float = 1.0
    """How long no object of a list may arrive before the list counts as finished."""
    lag: float = 5.0
    """How late an event may be."""
    retry: float = 1.0
    """Between two counts at the start, and before a count that failed is tried again."""


class Recount:
    """Compares the cache with the cluster, for one kind.

    `complete` is called once, when the cache has had all objects that a count found.
    """

    def __init__(
        self,
        client: Client,
        cache: Cache,
        kind: Kind,
        *,
        complete: Callable[[Kind], None],
        pace: Pace | None = None,
    ) -> None:
        self._client = client
        self._cache = cache
        self._kind = kind
        self._complete = complete
        self._pace = pace or Pace()
        self._asked = asyncio.Event()

    def soon(self) -> None:
        """Count again a moment after the last of these calls."""
        self._asked.set()

    async def run(self) -> None:
        """Count until cancelled."""
        await self._until_complete()
        self._complete(self._kind)
        while True:
            count = len(self._cache.keys(self._kind))
            await self._until_due(self._pace.of_few if count <= FEW else self._pace.of_many)
            await self._count()

    async def _until_complete(self) -> None:
        loop = asyncio.get_running_loop()
        left, since = 0, loop.time()
        while True:
            # Listed anew each time: an object deleted since the last list never arrives.
            found = await self._versions()
            behind = await self._behind(found, self._pace.retry)
            if not behind:
                return
            if len(behind) != left:
                left, since = len(behind), loop.time()
            elif loop.time() - since > self._pace.lag and await self._repair(found, behind):
                return

    async def _until_due(self, interval: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(interval):
                await self._asked.wait()
        while self._asked.is_set():
            self._asked.clear()
            await asyncio.sleep(self._pace.quiet)

    async def _count(self) -> None:
        found = await self._versions()
        await self._repair(found, await self._behind(found, self._pace.lag))

    async def _versions(self) -> Versions:
        """What the cluster has. Everything else is dropped from the cache."""
        failures = 0
        while True:
            try:
                found = await self._client.versions(self._kind)
                break
            except ApiError as error:
                level = logging.DEBUG if failures else logging.WARNING
                _log.log(level, "%s can't be counted, trying again: %s", self._kind, error)
                failures += 1
                await asyncio.sleep(self._pace.retry)
        for key in self._cache.retain(self._kind, found.items, found.version):
            _log.info("%s was deleted, but no event said so", key)
        return found

    async def _behind(self, found: Versions, patience: float) -> Sequence[Key]:
        """The keys that the cache lacks, or has in an older version, after `patience` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        behind = self._older(found, found.items)
        while behind and loop.time() < deadline:
            await asyncio.sleep(_POLL)
            if self._older(found, behind[:1]):
                continue  # the first one is enough to know that some are still behind
            behind = self._older(found, behind)
        return self._older(found, behind)

    def _older(self, found: Versions, keys: Iterable[Key]) -> Sequence[Key]:
        return [key for key in keys if self._cache.version(key) < found.items[key]]

    async def _repair(self, found: Versions, behind: Iterable[Key]) -> bool:
        """Fetch what is still behind. Returns whether the API server answered every time."""
        answers = [
            await self._fetch(key)
            for key in behind
            # Its event may have arrived while others were fetched.
            if self._cache.version(key) < found.items[key]
        ]
        return all(answers)

    async def _fetch(self, key: Key) -> bool:
        try:
            live = await self._client.get(key)
        except NotFound:
            return True  # the next count drops it
        except ApiError as error:
            _log.warning("%s can't be read: %s", key, error)
            return False
        try:
            self._cache.put(live)
        except Exception:
            # One object that can't be handled must not end the count of all others.
            _log.exception("%s is not followed, after an unexpected error", key)
        else:
            _log.warning("%s had changed, but no event said so", key)
        return True
