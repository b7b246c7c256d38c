"""Listings as a whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import cast

import aiohttp
import pytest

from setops.api.kinds import APP, DEPLOYMENT, SECRET, Key, Object
from setops.kube.cache import Cache
from setops.runtime.feed import Feed, Stream


def listing(version: int, *names: str, more: bool = False) -> Object:
    items = [
        {"metadata": {"name": name, "namespace": "ns", "resourceVersion": str(version)}}
        for name in names
    ]
    metadata = {"resourceVersion": str(version)} | ({"continue": "token"} if more else {})
    return {"metadata": metadata, "items": items}


def names(cache: Cache) -> list[str]:
    return sorted(key.name for key in cache.keys(DEPLOYMENT))


def test_it_is_in_sync_when_every_kind_was_listed() -> None:
    feed = Feed(Cache(), [APP, DEPLOYMENT, SECRET])
    feed.page(APP, listing(1), first=True)
    feed.page(DEPLOYMENT, listing(1, "a", more=True), first=True)
    assert feed.missing == ("deployments.apps", "secrets")
    feed.page(DEPLOYMENT, listing(1, "b"), first=False)
    assert not feed.synced.is_set()
    feed.page(SECRET, listing(1), first=True)
    assert feed.synced.is_set()


def test_a_second_listing_drops_what_vanished_on_any_page() -> None:
    cache = Cache()
    feed = Feed(cache, [DEPLOYMENT])
    feed.page(DEPLOYMENT, listing(1, "a", "b", "c", "d"), first=True)
    feed.page(DEPLOYMENT, listing(9, "a", more=True), first=True)
    assert names(cache) == ["a", "b", "c", "d"], "not before the last page"
    feed.page(DEPLOYMENT, listing(9, "c"), first=False)
    assert names(cache) == ["a", "c"]


def test_a_listing_that_was_broken_off_drops_nothing() -> None:
    cache = Cache()
    feed = Feed(cache, [DEPLOYMENT])
    feed.page(DEPLOYMENT, listing(1, "a", "b"), first=True)
    feed.page(DEPLOYMENT, listing(5, "a", more=True), first=True)
    feed.page(DEPLOYMENT, listing(6, "b", more=True), first=True)
    feed.page(DEPLOYMENT, listing(6), first=False)
    assert names(cache) == ["b"], "a was on no page of the listing that ended"


def test_what_was_written_meanwhile_stays() -> None:
    cache = Cache()
    feed = Feed(cache, [DEPLOYMENT])
    written = listing(12, "new")["items"][0]
    cache.put({**written, "apiVersion": "apps/v1", "kind": "Deployment"})
    feed.page(DEPLOYMENT, listing(10), first=True)
    assert cache.get(Key(DEPLOYMENT, "ns", "new")) is not None


def test_silence_is_counted_from_the_last_sign_of_life() -> None:
    now = 100.0
    feed = Feed(Cache(), [DEPLOYMENT], clock=lambda: now)
    now += 50
    assert feed.silence == 50
    feed.heard()
    assert feed.silence == 0


class Chunks:
    """A stream that comes in chunks of one size."""

    def __init__(self, content: bytes, size: int) -> None:
        self.content = content
        self.size = size

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), self.size):
            yield self.content[start : start + self.size]


def event(type_: str, name: str, version: int) -> Object:
    metadata = {"name": name, "namespace": "ns", "resourceVersion": str(version)}
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}
    return {"type": type_, "object": obj}


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_events_of_children_go_to_the_cache_and_their_versions_to_kopf(size: int) -> None:
    events = [
        event("ADDED", "a", 1),
        event("ADDED", "b", 2),
        {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "3"}}},
        event("DELETED", "a", 4),
        {"type": "ERROR", "object": {"code": 410}},
    ]
    content = b"".join(json.dumps(one).encode() + b"\n" for one in events)
    cache = Cache()

    async def passed() -> bytes:
        chunks = cast(aiohttp.StreamReader, Chunks(content, size))
        stream = Stream(chunks, Feed(cache, [DEPLOYMENT]), take=True)
        return b"".join([chunk async for chunk in stream.iter_chunked(10)])

    lines = [json.loads(line) for line in asyncio.run(passed()).splitlines()]
    bookmarks = [line["object"]["metadata"]["resourceVersion"] for line in lines[:-1]]
    assert bookmarks == ["1", "2", "3", "4"]
    assert {line["type"] for line in lines[:-1]} == {"BOOKMARK"}
    assert lines[-1] == {"type": "ERROR", "object": {"code": 410}}
    assert names(cache) == ["b"]
