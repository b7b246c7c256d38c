"""A work queue of keys.

A key that is marked several times before its turn is handled once. A key that is marked while it is
being handled is handled once more afterwards, and never by two workers at a time. After a failure a
key comes back, each time later: `delay` in `attempt` says when. After a success it comes back if
its handler says when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from setops.reconcile.faults import is_cancelled
from setops.runtime.lanes import MAIN, Lane, LaneGroup

K = TypeVar("K", bound=Hashable)

Handle = Callable[[K], Awaitable[float | None]]
"""Handles one key. Returns the seconds until it has to be handled again, or None."""

Delay = Callable[[BaseException, int], float]
"""The seconds until the next attempt, given the error and the number of failures before it."""


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Don't make the call."""


class Clock(Protocol):
    """Tells the time in seconds and makes calls later; every asyncio event loop is one."""

    def time(self) -> float:
        """Seconds since some fixed moment."""

    def call_at(self, when: float, callback: Callable[[K], None], key: K, /) -> Timer:
        """Call `callback` with `key` at the time `when`."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    when: float
    timer: Timer


def in_order(key: Hashable) -> LaneGroup:
    """Every key in the main lane, and in a group of its own: the first comes first."""
    return LaneGroup(MAIN, key)


class Queue(Generic[K]):
    """Handles marked keys, each in the lane and in the group that `lane_group` names.

    `workers` are the places of each lane. Groups take turns; within a group keys come in their
    order. `waited` hears how long each key has waited for a place. Keys may be marked at any time.
    Nothing is handled before `start`.
    """

    def __init__(
        self,
        handle: Handle[K],
        *,
        workers: Mapping[str, int],
        delay: Delay,
        lane_group: Callable[[K], LaneGroup] = in_order,
        waited: Callable[[K, float], None] = lambda _, __: None,
        clock: Clock | None = None,
    ) -> None:
        self._handle = handle
        self._delay = delay
        self._lane_group = lane_group
        self._waited = waited
        self._clock: Clock = clock or asyncio.get_running_loop()
        self._lanes = {name: Lane[K](places) for name, places in workers.items()}
        self._again: dict[K, float] = {}
        self._later: dict[K, _Waiting] = {}
        self._running: dict[K, float] = {}
        self._begun: dict[K, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: dict[K, int] = {}
        self._started = False
        self._stopped = False

    @property
    def depth(self) -> int:
        """How many keys wait for a worker."""
        return sum(map(len, self._lanes.values())) + len(self._again)

    @property
    def delayed(self) -> int:
        """How many keys wait for their time."""
        return len(self._later)

    @property
    def running(self) -> int:
        """How many keys are being handled."""
        return len(self._running)

    @property
    def oldest_wait(self) -> float:
        """Seconds that the key at the head of the main lane has waited for a worker."""
        first = self._lanes[MAIN].since
        return self._clock.time() - first if first is not None else 0.0

    @property
    def stuck(self) -> float:
        """Seconds for which the main lane has taken no key although one could be its turn.

        A group at its own bound keeps only its own keys waiting, so it doesn't count.
        """
        since = self._lanes[MAIN].stuck_since
        return self._clock.time() - since if since is not None else 0.0

    @property
    def longest_run(self) -> float:
        """Seconds that the longest running handler of the main lane has been at work."""
        running = (at for key, at in self._running.items() if self._lane_group(key).lane == MAIN)
        first = next(running, None)
        return self._clock.time() - first if first is not None else 0.0

    def mark(self, key: K, after: float = 0.0) -> None:
        """Have a key handled at once, or in `after` seconds unless it is due sooner."""
        if self._stopped:
            return
        now = self._clock.time()
        if after > 0:
            self._mark_later(key, now + after)
            return
        self._forget_time(key)
        if key in self._running:
            self._again.setdefault(key, now)
        else:
            self._add(key, now)
            self._dispatch()

    def mark_paced(self, key: K, spacing: float) -> None:
        """Have a key handled, at the earliest `spacing` seconds after it was last begun."""
        due = self._begun.get(key, float("-inf")) + spacing
        self.mark(key, max(due - self._clock.time(), 0.0))

    def forget(self, key: K) -> None:
        """Forget what is known of a key whose object is gone, unless it is ready to be handled."""
        self._failures.pop(key, None)
        self._begun.pop(key, None)
        self._forget_time(key)

    def start(self) -> None:
        """Begin to handle what is marked."""
        self._started = True
        self._dispatch()

    async def stop(self, grace: float) -> None:
        """Drop the keys that wait. Let running handlers finish for `grace` seconds, then cancel."""
        self._stopped = True
        for waiting in self._later.values():
            waiting.timer.cancel()
        self._later.clear()
        for lane in self._lanes.values():
            lane.clear()
        self._again.clear()
        if not self._tasks:
            return
        _, unfinished = await asyncio.wait(self._tasks, timeout=grace)
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished)

    def _mark_later(self, key: K, when: float) -> None:
        found = self._lane_group(key)
        if self._lanes[found.lane].holds(key, found.group) or key in self._again:
            return
        waiting = self._later.get(key)
        if waiting is not None:
            if waiting.when <= when:
                return
            waiting.timer.cancel()
        self._later[key] = _Waiting(when, self._clock.call_at(when, self._due, key))

    def _due(self, key: K) -> None:
        self._later.pop(key, None)
        self.mark(key)

    def _forget_time(self, key: K) -> None:
        waiting = self._later.pop(key, None)
        if waiting is not None:
            waiting.timer.cancel()

    def _dispatch(self) -> None:
        if not self._started:
            return
        for lane in self._lanes.values():
            for key, since in lane.take(self._clock.time()):
                self._running[key] = self._begun[key] = self._clock.time()
                self._waited(key, self._clock.time() - since)
                task = asyncio.create_task(self._run(key), name=str(key))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _add(self, key: K, now: float) -> None:
        found = self._lane_group(key)
        self._lanes[found.lane].add(key, found.group, now)

    def _leave(self, key: K) -> None:
        del self._running[key]
        found = self._lane_group(key)
        self._lanes[found.lane].leave(found.group, self._clock.time())

    async def _run(self, key: K) -> None:
        try:
            after = await self._handle(key)
        except asyncio.CancelledError as error:
            if is_cancelled():
                self._leave(key)
                raise
            after = self._failed(key, error)  # something that the handler awaited was cancelled
        except Exception as error:
            after = self._failed(key, error)
        else:
            self._failures.pop(key, None)
        self._leave(key)
        since = self._again.pop(key, None)
        if since is not None:
            self._add(key, since)
        elif after is not None:
            self.mark(key, max(after, 0.0))
        self._dispatch()

    def _failed(self, key: K, error: BaseException) -> float:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        return self._delay(error, failures)
