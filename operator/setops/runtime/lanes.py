"""Who comes next in the queue: groups take turns, and no group takes all places of its lane.

A lane has places of its own. So what waits for AWS holds no place of what doesn't, and a Stage
with many keys keeps that of another waiting for one turn, not for all of them.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

MAIN: Final = "main"
"""The lane of what doesn't wait for anything outside the cluster."""

_RESERVED: Final = 4
"""One of so many places is never for a group that has all others."""


@dataclass(frozen=True, slots=True)
class LaneGroup:
    """Where a key queues: its lane, and the group in it that it shares its turns with."""

    lane: str
    group: Hashable


class Lane(Generic[K]):
    """The keys of one lane that wait, and how many of each group are being handled."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._most = max(1, places - max(1, places // _RESERVED))
        self._waiting: OrderedDict[Hashable, dict[K, float]] = OrderedDict()
        self._running: Counter[Hashable] = Counter()
        self._changed = float("-inf")

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    @property
    def running(self) -> int:
        """How many keys are being handled."""
        return self._running.total()

    @property
    def since(self) -> float | None:
        """When the key was added that has waited longest."""
        return min(map(_first, self._waiting.values()), default=None)

    @property
    def stuck_since(self) -> float | None:
        """Since when a key waits although nothing of its own group keeps it waiting; None: none.

        While all places are taken, this is never before a place was last taken or left. So many
        keys make no lane stuck, but handlers that don't end do.
        """
        firsts = (_first(keys) for group, keys in self._waiting.items() if self._may_run(group))
        since = min(firsts, default=None)
        if since is None or self.running < self._places:
            return since
        return max(since, self._changed)

    def add(self, key: K, group: Hashable, now: float) -> None:
        """Have a key wait, unless it does."""
        self._waiting.setdefault(group, {}).setdefault(key, now)

    def holds(self, key: K, group: Hashable) -> bool:
        """Whether a key waits."""
        return key in self._waiting.get(group, ())

    def take(self, now: float) -> Iterator[tuple[K, float]]:
        """The keys that are to be handled now, and since when each has waited."""
        while self.running < self._places:
            group = self._next_group()
            if group is None:
                return
            keys = self._waiting[group]
            key = next(iter(keys))
            since = keys.pop(key)
            if keys:
                self._waiting.move_to_end(group)
            else:
                del self._waiting[group]
            self._running[group] += 1
            self._changed = now
            yield key, since

    def leave(self, group: Hashable, now: float) -> None:
        """Note that a key of a group has been handled."""
        self._changed = now
        self._running[group] -= 1
        if not self._running[group]:
            del self._running[group]

    def clear(self) -> None:
        """Drop the keys that wait."""
        self._waiting.clear()

    def _next_group(self) -> Hashable | None:
        return next(filter(self._may_run, self._waiting), None)

    def _may_run(self, group: Hashable) -> bool:
        """Whether a group has fewer places than it may have."""
        return self._running[group] < self._most


def _first(keys: dict[K, float]) -> float:
    """When the first of a group's keys was added."""
    return next(iter(keys.values()))
