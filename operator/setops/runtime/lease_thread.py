"""The Leases, renewed in a thread of their own.

The thread has an event loop and a connection of its own, so however busy the operator's loop is,
the Leases are renewed. They are given to others as `leadership` needs them, in any event loop.

A process that is stopped for longer than its Leases last must not write when it goes on. The fence
refuses what is about to leave. For what is under way at that very moment there is an alarm of the
kernel's, set anew while the fence is open: it ends the process before any of its code runs again.
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


class LeaseThread:
    """A thread with an event loop, and a connection to the API server in it."""

    def __init__(self, fence: Fence, durations: Durations) -> None:
        self._fence = fence
        self._durations = durations
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="leases", daemon=True)
        self._winding: asyncio.Task[None] | None = None

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
            disarm()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _wind(self) -> None:
        """Set the alarm to a moment after the renew deadline and before another may lead."""
        grace = (self._durations.duration - self._durations.renew_deadline) / 2
        while True:
            left = self._fence.left
            if left > 0:
                signal.setitimer(signal.ITIMER_REAL, left + grace)
            await asyncio.sleep(self._durations.retry_period / _WINDINGS)


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
        try:
            await self._thread.run(self._lease.hold)
        finally:
            disarm()

    async def release(self) -> None:
        """See `Lease.release`."""
        await self._thread.run(self._lease.release)


def disarm() -> None:
    """Let the process live, however long it takes to end."""
    signal.setitimer(signal.ITIMER_REAL, 0)
