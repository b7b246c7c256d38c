"""When objects appear at the API server, as seen by watches: to the millisecond, which
creationTimestamps are not."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Collection, Iterable

import aiohttp

from setops.api.kinds import Key, Kind, Object, key_of
from setops.kube.connection import Connection

_PATIENCE = 120.0


class Arrivals:
    """Watches of some kinds in one namespace; as a context manager they are open at the start."""

    def __init__(self, connection: Connection, namespace: str, kinds: Iterable[Kind]) -> None:
        self._connection = connection
        self._namespace = namespace
        self._kinds = tuple(kinds)
        self._tasks: list[asyncio.Task[None]] = []
        self._arrived = asyncio.Event()
        self.seen: dict[Key, float] = {}
        """When each object was first seen, on the clock of time.monotonic."""

    async def __aenter__(self) -> Arrivals:
        self._session = self._connection.session()
        for kind in self._kinds:
            url = f"{self._connection.server}{kind.path(self._namespace)}?watch=true"
            # The answer begins when the watch is open.
            answer = await self._session.get(url, timeout=aiohttp.ClientTimeout(total=None))
            answer.raise_for_status()
            self._tasks.append(asyncio.create_task(self._read(kind, answer)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._session.close()

    async def _read(self, kind: Kind, answer: aiohttp.ClientResponse) -> None:
        rest = b""
        # Not line by line: aiohttp refuses lines as long as those of a large Changeset.
        async for chunk in answer.content.iter_any():
            now = time.monotonic()
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._take(kind, json.loads(line), now)

    def _take(self, kind: Kind, event: Object, now: float) -> None:
        if event["type"] == "ADDED":
            obj = {**event["object"], "apiVersion": kind.api_version, "kind": kind.kind}
            self.seen.setdefault(key_of(obj), now)
            self._arrived.set()

    async def of(self, keys: Collection[Key]) -> float:
        """Wait for all of these; when the last one was seen.

        Raises TimeoutError that names one that did not come.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                while not self.seen.keys() >= set(keys):
                    self._arrived.clear()
                    waiting = asyncio.ensure_future(self._arrived.wait())
                    await asyncio.wait({waiting, *self._tasks}, return_when="FIRST_COMPLETED")
                    for task in self._tasks:
                        if task.done():
                            raise RuntimeError(f"{task.get_name()} ended") from task.exception()
        except TimeoutError as error:
            missing = next(iter(set(keys) - self.seen.keys()))
            raise TimeoutError(f"waited {_PATIENCE:.0f} s in vain for {missing}") from error
        return max(self.seen[key] for key in keys)
