"""The Leases, renewed in a thread of their own.

The thread has an event loop and a connection of its own, so however busy the operator's loop is,
the Leases are renewed. They are given to others as `leadership` needs them, in any event loop.

A process that is stopped for longer than its Leases last must not write when it goes on. The fence
refuses what is about to leave. For what is under way at that very moment there is an alarm of the
kernel's, set anew while a Lease is held: it ends the process before any of its code runs again.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final, TypeVar

from setops.fence import Fence
from setops.kube.connection import Connection, connect
from setops.kube.lease import Durations, Lease

T = TypeVar("T")

_WINDINGS: Final = 4
"""How often the alarm is set in one retry period."""


class Alarm:
    """Ends the process when its Leases have ended without its notice. May be set from any thread.

    It is set only while a Lease is held, so that the process may take its time to end.
    """

    def __init__(self, fence: Fence, durations: Durations) -> None:
        self._fence = fence
        self._grace = (durations.duration - durations.renew_deadline) / 2
        self._lock = threading.Lock()
        self._armed = False

    def arm(self) -> None:
        """A Lease is held from here on."""
        with self._lock:
            self._armed = True

    def wind(self) -> None:
        """Set it to a moment after the renew deadline and before another may lead."""
        with self._lock:
            left = self._fence.left
            if self._armed and left > 0:
                signal.setitimer(signal.ITIMER_REAL, left + self._grace)

    def disarm(self) -> None:
        """Let the process live, however long it takes to end, until a Lease is held again."""
        with self._lock:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)


class LeaseThread:
    """A thread with an event loop, and a connection to the API server in it."""

    def __init__(self, fence: Fence, durations: Durations) -> None:
        self.alarm = Alarm(fence, durations)
        self._winding_period = durations.retry_period / _WINDINGS
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="leases", daemon=True)

    async def run(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await a coroutine in the thread. It is cancelled with its caller."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(), self._loop))

    @contextlib.asynccontextmanager
    async def running(self, kubeconfig: str | None) -> AsyncIterator[Connection]:
        """Start the thread and connect; at the end, disconnect and end it."""
        self._thread.start()
        try:
            connection = await self.run(lambda: connect(kubeconfig))
            winding = asyncio.run_coroutine_threadsafe(self._wind(), self._loop)
            try:
                yield connection
            finally:
                winding.cancel()
                await self.run(connection.close)
        finally:
            self.alarm.disarm()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _wind(self) -> None:
        while True:
            self.alarm.wind()
            await asyncio.sleep(self._winding_period)


class ThreadedLease:
    """A Lease that lives in the thread; see `leadership.HeldLease`."""

    def __init__(self, thread: LeaseThread, lease: Lease) -> None:
        self._thread = thread
        self._lease = lease

    async def acquire(self, refused: Callable[[str], None] = lambda _: None) -> None:
        """See `Lease.acquire`."""
        await self._thread.run(lambda: self._lease.acquire(refused))

    async def hold(self) -> None:
        """See `Lease.hold`. From its loss on the fence is closed, and the end may take its time."""
        self._thread.alarm.arm()
        try:
            await self._thread.run(self._lease.hold)
        finally:
            self._thread.alarm.disarm()

    async def release(self) -> None:
        """See `Lease.release`."""
        await self._thread.run(self._lease.release)
