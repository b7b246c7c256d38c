"""Events of objects, as `kubectl describe` shows them.

Best effort: writing happens in the background, and what can't be written is dropped and counted,
never raised. Repeats of an Event raise its count instead of making another one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from setops.api.kinds import EVENT, Key, Object, kind_of
from setops.api.names import MANAGER
from setops.kube.client import Client
from setops.kube.errors import AlreadyExists, ApiError, NotFound, TooManyRequests

EventType = Literal["Normal", "Warning"]

MESSAGE_LENGTH: Final = 1024
"""The API server's limit, in characters."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Subject:
    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class _Entry:
    subject: _Subject
    type: EventType
    reason: str
    message: str


@dataclass(slots=True)
class _Seen:
    count: int
    first: str
    written: int = 0


class EventRecorder:
    """Writes core/v1 Events about objects.

    `capacity` bounds both the entries that wait and those that are remembered for counting;
    `rate` is how many Events a second are written at most, with bursts of as many as `burst`. What
    is recorded within `delay` seconds is written together: when much happens, the API server has
    more urgent things to do.
    """

    def __init__(
        self,
        client: Client,
        *,
        instance: str = "",
        capacity: int = 4096,
        rate: float = 25.0,
        burst: int = 100,
        delay: float = 1.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._instance = instance
        self._capacity = capacity
        self._bucket = _Bucket(rate, burst)
        self._burst = burst
        self._delay = delay
        self._now = now
        self._seen: OrderedDict[_Entry, _Seen] = OrderedDict()
        self._waiting: OrderedDict[_Entry, None] = OrderedDict()
        self._last: dict[_Subject, _Entry] = {}
        """The newest of each object's entries that wait."""
        self._wakened = asyncio.Event()
        self.dropped = 0
        """Events that were not written, for want of room or because the server refused them."""

    def record(self, obj: Object, type_: EventType, reason: str, message: str) -> None:
        """Note that something happened to `obj`; returns at once and never raises.

        `reason` is one CamelCase word. Events of cluster-scoped objects go to `default`, as
        Kubernetes demands.
        """
        metadata = obj["metadata"]
        subject = _Subject(
            kind_of(obj).api_version,
            kind_of(obj).kind,
            metadata.get("namespace", ""),
            metadata["name"],
            metadata.get("uid", ""),
        )
        entry = _Entry(subject, type_, reason, _shortened(message))
        now = _stamp(self._now())
        seen = self._seen.get(entry)
        if seen is None:
            self._seen[entry] = seen = _Seen(0, now)
            if len(self._seen) > self._capacity:
                self._seen.popitem(last=False)
        self._seen.move_to_end(entry)
        seen.count += 1
        if len(self._waiting) > self._burst:
            self._supersede(entry)
        if entry not in self._waiting and len(self._waiting) >= self._capacity:
            self.dropped += 1
            return
        self._waiting[entry] = None
        self._last[subject] = entry
        self._wakened.set()

    def _supersede(self, entry: _Entry) -> None:
        """In a crowd, what has become of an object counts, not by which ways: drop what waits to
        be told of it, unless it is a warning."""
        last = self._last.get(entry.subject)
        if last is not None and last != entry and last.type == "Normal":
            self._waiting.pop(last, None)

    async def run(self) -> None:
        """Write what was recorded, until cancelled."""
        while True:
            await self._wakened.wait()
            await asyncio.sleep(self._delay)
            self._wakened.clear()
            while self._waiting:
                await self._bucket.take()
                if self._waiting:
                    await self._write(self._next())

    async def flush(self, grace: float) -> None:
        """Write what still waits, for `grace` seconds at most; the rest is dropped."""
        try:
            async with asyncio.timeout(grace):
                while self._waiting:
                    await self._write(self._next())
        except TimeoutError:
            self.dropped += len(self._waiting)
            self._waiting.clear()

    def _next(self) -> _Entry:
        entry, _ = self._waiting.popitem(last=False)
        if self._last.get(entry.subject) == entry:
            del self._last[entry.subject]
        return entry

    async def _write(self, entry: _Entry) -> None:
        now = _stamp(self._now())
        seen = self._seen.get(entry) or _Seen(1, now)
        try:
            await self._create_or_count(entry, seen, now)
        except TooManyRequests as error:
            self.dropped += 1
            await asyncio.sleep(min(error.retry_after or 1.0, 30.0))
        except ApiError as error:
            # A terminating namespace takes no Events; whoever must know is told elsewhere.
            self.dropped += 1
            _log.debug("Event %s of %s not written: %s", entry.reason, entry.subject.name, error)

    async def _create_or_count(self, entry: _Entry, seen: _Seen, now: str) -> None:
        count, written = seen.count, seen.written
        event = self._event(entry, seen, now)
        key = Key(EVENT, event["metadata"]["namespace"], event["metadata"]["name"])
        update = {"count": count, "lastTimestamp": now}
        if not written:
            try:
                await self._client.create(event)
            except AlreadyExists:  # from before a restart: its count goes on from here
                await self._client.merge_patch(key, update)
        else:
            try:
                await self._client.merge_patch(key, update)
            except NotFound:  # the API server keeps Events for an hour
                await self._client.create(event)
        seen.written = count

    def _event(self, entry: _Entry, seen: _Seen, now: str) -> Object:
        subject = entry.subject
        involved = {
            "apiVersion": subject.api_version,
            "kind": subject.kind,
            "name": subject.name,
            "uid": subject.uid,
        }
        if subject.namespace:
            involved["namespace"] = subject.namespace
        identity = "\n".join(
            (subject.kind, subject.uid, entry.type, entry.reason, entry.message)
        ).encode()
        digest = hashlib.sha256(identity).hexdigest()[:16]
        source = {"component": MANAGER} | ({"host": self._instance} if self._instance else {})
        return {
            "apiVersion": EVENT.api_version,
            "kind": EVENT.kind,
            "metadata": {
                "name": f"{subject.name[:200]}.{digest}",
                "namespace": subject.namespace or "default",
            },
            "involvedObject": involved,
            "type": entry.type,
            "reason": entry.reason,
            "message": entry.message,
            "source": source,
            "reportingComponent": MANAGER,
            "reportingInstance": self._instance,
            "count": seen.count,
            "firstTimestamp": seen.first,
            "lastTimestamp": now,
        }


class _Bucket:
    """Tokens that fill up at `rate` a second to `burst` at most."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at = time.monotonic()

    async def take(self) -> None:
        """Wait for a token."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        self._tokens -= 1
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / self._rate)


def _shortened(message: str) -> str:
    return message if len(message) <= MESSAGE_LENGTH else message[: MESSAGE_LENGTH - 1] + "…"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
