"""Keeps the cache in step with one kind of the cluster: lists it once, then watches it.

A watch that ends is opened again where it ended. If the API server no longer has that version,
everything is listed anew, and objects that the list lacks are dropped from the cache.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import aiohttp
from pydantic_core import from_json

from setops.api.kinds import Key, Kind, Object, key_of
from setops.kube.cache import Cache, version_of
from setops.kube.client import PAGE, Client, Page, Selection
from setops.kube.connection import CONNECT_TIMEOUT
from setops.kube.errors import ApiError, Gone, error_of

WATCH_SECONDS: Final = 300
"""Seconds after which the API server ends a watch."""

INACTIVITY_TIMEOUT: Final = 70.0
"""The API server sends a bookmark every 60 seconds; a watch that is silent for longer is dead."""

BACKOFF: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds to wait after the first failure, the second in a row, and so on."""

_SHORTEST: Final = 1.0
"""The least time in seconds from one watch to the next, if something ends each at once."""

_CHUNK: Final = 2**20
_TIMEOUT: Final = aiohttp.ClientTimeout(
    total=None, sock_connect=CONNECT_TIMEOUT, sock_read=INACTIVITY_TIMEOUT
)
_FAILURES: Final = (ApiError, aiohttp.ClientError, OSError, ValueError)
"""How connections fail: refused, cut off, silent, or with an answer that isn't JSON."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """What an informer follows, and by what means."""

    client: Client
    session: aiohttp.ClientSession
    server: str
    """The API server's URL."""
    kind: Kind
    label_selector: str = ""


class Informer:
    """Lists and watches one kind.

    `listed` is called after each complete list, `heard` at every sign of life of the API server,
    a bookmark included.
    """

    def __init__(
        self,
        watch: Watch,
        cache: Cache,
        *,
        listed: Callable[[Kind], None],
        heard: Callable[[], None],
    ) -> None:
        self._watch = watch
        self._kind = watch.kind
        self._cache = cache
        self._listed = listed
        self._heard = heard
        self._version = ""
        """The version from which to watch; empty if everything has to be listed."""
        self._lacks = False
        """Whether an object could not be stored since the last list."""
        self._failures = 0

    async def run(self) -> None:
        """Keep the cache in step until cancelled."""
        while True:
            try:
                if self._lacks or not self._version:
                    await self._list()
                await self._follow()
            except Gone as error:
                self._version = ""
                await self._back_off(error)
            except _FAILURES as error:
                await self._back_off(error)

    async def _back_off(self, error: Exception) -> None:
        wait = BACKOFF[min(self._failures, len(BACKOFF) - 1)]
        self._failures += 1
        if wait:
            _log.warning("%s can't be watched, again in %g s: %s", self._kind, wait, _text(error))
        await asyncio.sleep(wait * random.uniform(0.75, 1.25))  # noqa: S311 - only spreads load

    async def _list(self) -> None:
        self._lacks = False
        keys: set[Key] = set()
        version = 0

        def take(page: Page) -> None:
            nonlocal version
            self._heard()
            version = page.version
            if page.starts_list:
                keys.clear()
            for item in page.items:
                keys.add(key_of(item))
                self._put(item)

        selection = Selection(self._kind, label_selector=self._watch.label_selector, page=PAGE)
        await self._watch.client.read_pages(selection, take)
        self._cache.retain(self._kind, keys, version)
        self._version = str(version)
        self._listed(self._kind)

    async def _follow(self) -> None:
        """Take up the events of one watch until it ends."""
        began = time.monotonic()
        async with self._watch.session.get(self._url(), timeout=_TIMEOUT) as answer:
            if answer.status != 200:
                raise error_of(answer.status, await answer.read(), target=self._kind)
            rest = b""
            # Not line by line: aiohttp refuses lines as long as those of a large object.
            async for chunk in answer.content.iter_chunked(_CHUNK):
                self._heard()
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line:
                        self._take(from_json(line))
        await asyncio.sleep(max(began + _SHORTEST - time.monotonic(), 0))

    def _url(self) -> str:
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        if self._watch.label_selector:
            query["labelSelector"] = self._watch.label_selector
        return f"{self._watch.server}{self._kind.path()}?{urlencode(query)}"

    def _take(self, event: Object) -> None:
        type_, obj = event["type"], event["object"]
        if type_ == "ERROR":
            raise error_of(obj.get("code", 500), json.dumps(obj).encode(), target=self._kind)
        self._failures = 0
        self._version = obj["metadata"]["resourceVersion"]
        if type_ == "DELETED":
            self._cache.drop(key_of(obj), version_of(obj))
        elif type_ != "BOOKMARK":
            self._put(obj)

    def _put(self, obj: Object) -> None:
        try:
            self._cache.put(obj)
        except Exception:
            # One object that can't be handled must not end the watch of all others. It is listed
            # again when this watch ends.
            self._lacks = True
            _log.exception("%s is not followed, after an unexpected error", key_of(obj))


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__
