"""Leader election by a coordination.k8s.io Lease.

The clocks of two machines are never compared, and the wall clock decides nothing: it is only
written down. A Lease counts as expired when its record hasn't
changed for its duration, measured by the local clock since the record was first seen. A holder
that couldn't renew it for `renew_deadline` gives up, well before anybody else may take the Lease.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from setops.api.kinds import LEASE, Key, Object
from setops.fence import Clock, Tenure, now
from setops.kube.client import Client
from setops.kube.errors import AlreadyExists, ApiError, Conflict, NotFound

_log = logging.getLogger(__name__)

_RELEASES = 3
"""How often giving a Lease back is tried before it is left to expire."""


class LeaseLost(Exception):  # noqa: N818 - it is an event, not a fault of the program
    """The Lease could not be renewed in time, or another holder has it."""


@dataclass(frozen=True, slots=True)
class Durations:
    """Times of a Lease, in seconds: duration > renew_deadline > retry_period > 0."""

    duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0

    def __post_init__(self) -> None:
        if not self.duration > self.renew_deadline > self.retry_period > 0:
            raise ValueError(
                "Lease times must shrink: duration > renew deadline > retry period > 0, got "
                f"{self.duration} > {self.renew_deadline} > {self.retry_period}"
            )
        if self.duration < 1:
            raise ValueError(f"A Lease lasts at least 1 second, got {self.duration}")


class Lease:
    """Takes one Lease for `identity` and keeps it.

    `client` should have connections of its own, since the load of others could delay a renewal.
    `tenure` always says how long the Lease is ours; a fence that asks it keeps what is written
    within that time.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        *,
        identity: str,
        durations: Durations | None = None,
        tenure: Tenure | None = None,
        clock: Clock = now,
    ) -> None:
        self._client = client
        self._key = Key(LEASE, namespace, name)
        self._identity = identity
        self._durations = durations or Durations()
        self._clock = clock
        self._record: Object | None = None
        self._seen_at = 0.0
        self._renews = False
        """Whether the holder has renewed it since it was first read."""
        self._tenure = tenure or Tenure(str(self._key))
        self._writing = False

    @property
    def holder(self) -> str:
        """Who held the Lease when it was last read; empty if nobody did."""
        return _spec(self._record).get("holderIdentity") or ""

    async def acquire(self, refused: Callable[[str], None] = lambda _: None) -> None:
        """Wait until the Lease is ours. Errors of the API server are logged, then tried again.

        `refused` is called with the holder each time that somebody else has it and was seen to
        renew it.
        """
        while True:
            try:
                if await self._try():
                    return
                if self._renews:
                    refused(self.holder)
            except ApiError as error:
                _log.warning("%s can't be read or taken: %s", self._key, error)
            await asyncio.sleep(self._durations.retry_period)

    async def hold(self) -> None:
        """Renew the Lease, until cancelled. Raises LeaseLost."""
        while True:
            await asyncio.sleep(self._durations.retry_period)
            left = self._tenure.until - self._clock()
            if left <= 0:
                raise LeaseLost(
                    f"{self._key} was not renewed in {self._durations.renew_deadline} s"
                )
            try:
                async with asyncio.timeout(left):
                    held = await self._try()
            except (ApiError, TimeoutError) as error:
                _log.warning("%s was not renewed, trying again: %s", self._key, error)
                continue
            if not held:
                self._tenure.end()
                raise LeaseLost(f"{self._key} is held by {self.holder!r} now")

    async def release(self) -> None:
        """Give the Lease back, so that a successor need not wait. Does nothing if it isn't ours.

        A write without an answer may have taken effect, so the record is read again after one.
        Raises an ApiError.
        """
        self._tenure.end()
        if self._writing:
            await self._read()
        for left in reversed(range(_RELEASES)):
            if self._record is None or self.holder != self._identity:
                return
            freed = self._next(self._record, holder="", seconds=1)
            try:
                self._observe(await self._client.replace(freed))
            except (Conflict, NotFound):
                if not left:
                    raise
                await self._read()

    async def _try(self) -> bool:
        """Take or renew the Lease; whether it is ours now."""
        try:
            return await self._write()
        except (Conflict, AlreadyExists, NotFound):
            await self._read()
            if not self._is_free():
                return False
            # It is ours or nobody's: the answer to our last write was lost, or somebody edited or
            # deleted the object.
            return await self._write()

    async def _write(self) -> bool:
        asked_at = self._clock()
        if self._record is None or self.holder != self._identity:
            await self._read()
            if not self._is_free():
                return False
        self._writing = True  # until there is an answer
        if self._record is None:
            self._observe(await self._client.create(self._first()))
        else:
            seconds = math.ceil(self._durations.duration)
            renewed = self._next(self._record, holder=self._identity, seconds=seconds)
            self._observe(await self._client.replace(renewed))
        self._writing = False
        self._tenure.until = asked_at + self._durations.renew_deadline
        return True

    async def _read(self) -> None:
        try:
            self._observe(await self._client.get(self._key))
        except NotFound:
            self._record = None

    def _observe(self, record: Object) -> None:
        if _spec(record) != _spec(self._record):
            self._renews = bool(self.holder) and _spec(record).get("holderIdentity") == self.holder
            self._seen_at = self._clock()
        self._record = record

    def _is_free(self) -> bool:
        if not self.holder or self.holder == self._identity:
            return True
        seconds = _spec(self._record).get("leaseDurationSeconds") or 0
        return self._clock() >= self._seen_at + seconds

    def _first(self) -> Object:
        now = _stamp()
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"name": self._key.name, "namespace": self._key.namespace},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": math.ceil(self._durations.duration),
                "acquireTime": now,
                "renewTime": now,
                "leaseTransitions": 0,
            },
        }

    def _next(self, record: Object, *, holder: str, seconds: int) -> Object:
        now = _stamp()
        spec = {
            **_spec(record),
            "holderIdentity": holder,
            "leaseDurationSeconds": seconds,
            "renewTime": now,
        }
        if holder and holder != self.holder:
            spec["acquireTime"] = now
            spec["leaseTransitions"] = (spec.get("leaseTransitions") or 0) + 1
        return {**record, "spec": spec}


def _spec(record: Object | None) -> Object:
    return (record or {}).get("spec") or {}


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
