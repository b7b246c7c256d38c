"""At which pace the operator works on the open Changesets of a Stage: at one that it can pay for.

Plans, what is told of them, and refusals take a small share of one CPU together, however many
Changesets there are and however often the Stage is edited. What the API server takes to store a
status counts, too: for a large Changeset that is more than its plan. Last edited comes first, then
planned longest ago, and last of all what is to be refused.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from setops.api.kinds import Key

SHARE: Final = 0.1
"""The share of one CPU that a Stage's open Changesets may take."""

_OF_A_WRITE: Final = 0.01
"""Seconds of CPU that a status takes to be written, at the API server and here together."""

_OF_A_BYTE: Final = 2e-6
"""The same for each byte of the Changeset. Measured with one of 1.1 MB and 45,000 variables, which
takes the API server over two seconds whenever its status is written."""

_EXPENSIVE: Final = 0.1
"""Seconds from which a status isn't written only to say that the Changeset waits."""

_LATE: Final = 5.0
"""Seconds past its due time after which a Changeset that hasn't returned no longer delays others.
"""

_LONGEST: Final = 120.0
"""Seconds for which a Stage pays at most before its next Changeset has its turn."""

_MOST: Final = 4096
"""Changesets of which it is remembered how often they were put off; of one Stage, their order."""

_FIRST_DELAY: Final = 0.5
_LAST_DELAY: Final = 4.0
"""Seconds for which one is put off whose plan comes after others; they double each time."""


def cost_of_writing(size: int) -> float:
    """Seconds of CPU that the status of a Changeset of `size` bytes takes to be written."""
    return _OF_A_WRITE + size * _OF_A_BYTE


def is_expensive(size: int) -> bool:
    """Whether a Changeset of `size` bytes is too large to be written only to say that it waits."""
    return cost_of_writing(size) > _EXPENSIVE


@dataclass(slots=True)
class _OfStage:
    until: float = 0.0
    """When the next one has its turn."""
    price: float = _OF_A_WRITE / SHARE
    """Seconds that each one takes of that time, about."""
    waiting: dict[Key, float] = field(default_factory=dict)
    """Until when each was told to wait."""
    places: dict[Key, tuple[int, int]] = field(default_factory=dict)
    """The generation of each, and its place: the higher, the sooner."""

    def is_over(self, now: float) -> bool:
        """Whether nothing has to be remembered any more."""
        return not (self.waiting or self.places) and self.until < now


class PlanPace:
    """Says how long a Changeset has to wait for its turn; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stages: dict[str, _OfStage] = {}
        self._put_off: dict[Key, int] = {}
        self._order = itertools.count(1)

    def wait(self, key: Key, generation: int) -> float:
        """Have this generation of a Changeset wait; seconds until its turn, 0 if it has it now."""
        now, stage = self._clock(), self._stage(key.namespace)
        mine = self._place(stage, key, generation)
        ahead = sum(
            1
            for other, due in stage.waiting.items()
            if other != key and due > now - _LATE and stage.places[other][1] > mine
        )
        left = max(stage.until - now, 0.0) + ahead * stage.price
        if left > 0:
            stage.waiting[key] = now + left
        else:
            stage.waiting.pop(key, None)
        return left

    def wait_last(self, key: Key, generation: int) -> float:
        """The same for one that is to be refused, which comes after all others."""
        stage = self._stage(key.namespace)
        if self._place(stage, key, generation) > 0:
            stage.places[key] = (generation, -next(self._order))
        return self.wait(key, generation)

    def planned(self, key: Key, seconds: float) -> None:
        """Note that an open Changeset was planned, and what that took.

        Until it is edited again, it comes after those that were planned before it.
        """
        self._put_off.pop(key, None)
        stage = self._stage(key.namespace)
        if key in stage.places:
            stage.places[key] = (stage.places[key][0], -next(self._order))
        stage.price = (_OF_A_WRITE + seconds) / SHARE
        self.charge(key.namespace, seconds)

    def charge(self, namespace: str, seconds: float) -> None:
        """Have a Stage pay for what was done for one of its open Changesets."""
        now, stage = self._clock(), self._stage(namespace)
        until = max(stage.until, now) + seconds / SHARE - seconds
        stage.until = min(until, max(stage.until, now + _LONGEST))

    def put_off(self, key: Key) -> float:
        """Seconds until a Changeset should ask again whose plan comes after those of others."""
        times = self._put_off.pop(key, 0)
        if len(self._put_off) >= _MOST:
            del self._put_off[next(iter(self._put_off))]
        self._put_off[key] = times + 1
        return min(_FIRST_DELAY * 2.0 ** min(times, 30), _LAST_DELAY)

    def forget(self, key: Key) -> None:
        """Forget a Changeset that is no longer open."""
        self._put_off.pop(key, None)
        stage = self._stages.get(key.namespace)
        if stage is None:
            return
        stage.places.pop(key, None)
        stage.waiting.pop(key, None)
        if stage.is_over(self._clock()):
            del self._stages[key.namespace]

    def _stage(self, namespace: str) -> _OfStage:
        known = self._stages.get(namespace)
        if known is None:
            now = self._clock()
            for name in [name for name, stage in self._stages.items() if stage.is_over(now)]:
                del self._stages[name]
            known = self._stages[namespace] = _OfStage()
        return known

    def _place(self, stage: _OfStage, key: Key, generation: int) -> int:
        known = stage.places.get(key)
        if known is None or known[0] != generation:
            if len(stage.places) >= _MOST:
                self.forget(next(iter(stage.places)))
            known = stage.places[key] = (generation, next(self._order))
        return known[1]
