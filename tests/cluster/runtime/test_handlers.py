"""Every handler of kopf's is reached by real events, without any help of recounts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox
from setops.api.kinds import Key, Kind
from setops.kube.cache import Cache
from setops.kube.client import Client
from setops.kube.watched import WRITTEN_BY_USERS
from setops.runtime.handlers import run_kopf
from setops.runtime.watches import Event, Watches
from tests.cluster.runtime.gate import until
from tests.cluster.runtime.watching import admin, connected, delete, manifest

__all__ = ["admin"]


class Recording(Watches):
    """Watches that remember what their handlers were given."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.reached: set[tuple[Kind, str | None, str]] = set()

    async def until_reached(self, kind: Kind, type_: str | None, name: str) -> None:
        """Wait until a handler was given such an event."""
        event = (kind, type_, name)
        try:
            await until(lambda: event in self.reached, 20)
        except TimeoutError:
            pytest.fail(f"the handler of {kind} was never given {type_} of {name}")

    def take(self, kind: Kind, event: Event) -> None:
        """Remember an event and take it."""
        assert event["object"]["kind"] == kind.kind
        self.reached.add((kind, event["type"], event["object"]["metadata"]["name"]))
        super().take(kind, event)


@pytest.mark.usefixtures("admin")
def test_every_kind_is_followed_by_its_handler(
    sandbox: Sandbox, namespace: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with connected(sandbox, tmp_path) as (_, connection):
            client, cache = Client(connection), Cache()
            watches = Recording(client, cache)
            for kind in WRITTEN_BY_USERS:
                await client.apply(manifest(kind, "before", namespace))
            running = asyncio.create_task(run_kopf(connection, watches, "test", lambda: None))
            try:
                for kind in WRITTEN_BY_USERS:
                    await follow(kind, client, watches, cache)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    async def follow(kind: Kind, client: Client, watches: Recording, cache: Cache) -> None:
        place = namespace if kind.namespaced else ""
        after, before = Key(kind, place, "after"), Key(kind, place, "before")
        await watches.until_reached(kind, None, "before")
        await client.apply(manifest(kind, "after", namespace))
        await watches.until_reached(kind, "ADDED", "after")
        await client.apply(manifest(kind, "after", namespace, annotations={"a": "b"}))
        await watches.until_reached(kind, "MODIFIED", "after")
        known = cache.get(after)
        assert known is not None
        assert known["metadata"]["annotations"] == {"a": "b"}
        await asyncio.to_thread(delete, sandbox, kind, namespace, "before", "after")
        await watches.until_reached(kind, "DELETED", "before")
        await watches.until_reached(kind, "DELETED", "after")
        assert cache.get(before) is None
        assert cache.get(after) is None

    asyncio.run(story())
