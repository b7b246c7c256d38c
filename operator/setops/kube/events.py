"""Writes Events about objects, which `kubectl describe` shows.

Events are written in the background and as far as possible: one that can't be written is counted
and dropped, and no error is raised. A repeated Event raises the count of the one that exists.
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
class _PendingEvent:
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

    `capacity` limits both the Events that wait and those that are remembered for counting. At most
    `rate` Events are written per second, with bursts of up to `burst`. Writing starts `delay`
    seconds after an Event is recorded, since the API server may have more urgent work just then.
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
        self._seen: OrderedDict[_PendingEvent, _Seen] = OrderedDict()
        self._waiting: OrderedDict[_PendingEvent, None] = OrderedDict()
        self._last: dict[_Subject, _PendingEvent] = {}
        """By object: the newest Event that waits."""
        self._wakened = asyncio.Event()
        self.dropped = 0
        """How many Events were not written: there was no room, or the server refused them."""

    def record(self, obj: Object, type_: EventType, reason: str, message: str) -> None:
        """Record an Event about `obj`. Returns at once and never raises.

        `reason` is one CamelCase word. Events of cluster-scoped objects go to the namespace
        `default`, as Kubernetes demands.
        """
        metadata = obj["metadata"]
        subject = _Subject(
            kind_of(obj).api_version,
            kind_of(obj).kind,
            metadata.get("namespace", ""),
            metadata["name"],
            metadata.get("uid", ""),
        )
        entry = _PendingEvent(subject, type_, reason, _shortened(message))
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

    def _supersede(self, entry: _PendingEvent) -> None:
        """Under load, keep only an object's latest Normal Event."""
        last = self._last.get(entry.subject)
        if last is not None and last != entry and last.type == "Normal":
            self._waiting.pop(last, None)

    async def run(self) -> None:
        """Write recorded Events until cancelled."""
        while True:
            await self._wakened.wait()
            await asyncio.sleep(self._delay)
            self._wakened.clear()
            while self._waiting:
                await self._bucket.take()
                if self._waiting:
                    await self._write(self._next())

    async def flush(self, grace: float) -> None:
        """Write the Events that still wait, for at most `grace` seconds, and drop the rest."""
        try:
            async with asyncio.timeout(grace):
                while self._waiting:
                    await self._write(self._next())
        except TimeoutError:
            self.dropped += len(self._waiting)
            self._waiting.clear()

    def _next(self) -> _PendingEvent:
        entry, _ = self._waiting.popitem(last=False)
        if self._last.get(entry.subject) == entry:
            del self._last[entry.subject]
        return entry

    async def _write(self, entry: _PendingEvent) -> None:
        now = _stamp(self._now())
        seen = self._seen.get(entry) or _Seen(1, now)
        try:
            await self._create_or_count(entry, seen, now)
        except TooManyRequests as error:
            self.dropped += 1
            await asyncio.sleep(min(error.retry_after or 1.0, 30.0))
        except ApiError as error:
            # A namespace that is being deleted takes no Events. Conditions say what matters.
            self.dropped += 1
            _log.debug("Event %s of %s not written: %s", entry.reason, entry.subject.name, error)

    async def _create_or_count(self, entry: _PendingEvent, seen: _Seen, now: str) -> None:
        count, written = seen.count, seen.written
        event = self._event(entry, seen, now)
        key = Key(EVENT, event["metadata"]["namespace"], event["metadata"]["name"])
        update = {"count": count, "lastTimestamp": now}
        if not written:
            try:
                await self._client.create(event)
            except AlreadyExists:  # written before a restart, so only its count changes
                await self._client.merge_patch(key, update)
        else:
            try:
                await self._client.merge_patch(key, update)
            except NotFound:  # the API server keeps Events for an hour
                await self._client.create(event)
        seen.written = count

    def _event(self, entry: _PendingEvent, seen: _Seen, now: str) -> Object:
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
    """A token bucket: `rate` tokens come per second, and at most `burst` are kept."""

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
