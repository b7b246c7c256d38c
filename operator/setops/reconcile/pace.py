"""At which pace the open Changesets of a Stage are planned: at one that their cost pays for.

Together they take a small share of one CPU at most, however many there are and however often the
Stage is edited. What the API server takes to store a plan counts, too: for a large Changeset that
is more than the plan itself. What a user has edited last comes first, then what was planned longest
ago.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from setops.api.kinds import Key

SHARE: Final = 0.1
"""The share of one CPU that the plans of a Stage's open Changesets may take."""

_OF_A_WRITE: Final = 0.01
"""Seconds of CPU that a status takes to be written, at the API server and here together."""

_OF_A_BYTE: Final = 2e-6
"""The same for each byte of the Changeset. Measured with one of 1.1 MB and 45,000 variables, which
takes the API server over two seconds whenever its status is written."""

_DEAR: Final = 0.1
"""Seconds from which writing a Changeset's status is too dear for saying only that it waits."""

_LATE: Final = 5.0
"""Seconds after its time at which a Changeset that hasn't come keeps no other waiting."""

_MOST: Final = 4096
"""Changesets of which it is remembered in which order they were edited, or how often put off."""

_FIRST_DELAY: Final = 0.5
_LAST_DELAY: Final = 4.0
"""Seconds for which one is put off whose plan comes after others; they double each time."""


def cost_of_writing(size: int) -> float:
    """Seconds of CPU that the status of a Changeset of `size` bytes takes to be written."""
    return _OF_A_WRITE + size * _OF_A_BYTE


def is_dear(size: int) -> bool:
    """Whether a Changeset of `size` bytes is told no more than its plan, and in its turn."""
    return cost_of_writing(size) > _DEAR


@dataclass(slots=True)
class _OfStage:
    until: float = 0.0
    """When the next one may be planned."""
    price: float = 0.0
    """Seconds that each one takes of that time."""
    waiting: dict[Key, float] = field(default_factory=dict)
    """Until when each was told to wait."""


class PlanPace:
    """Says how long a Changeset has to wait for its plan; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stages: dict[str, _OfStage] = {}
        self._edited: dict[Key, tuple[int, int]] = {}
        self._put_off: dict[Key, int] = {}
        self._order = itertools.count()

    def wait(self, key: Key, generation: int) -> float:
        """Seconds until this generation of a Changeset may be planned; 0 if it may be now."""
        now, stage = self._clock(), self._stages.setdefault(key.namespace, _OfStage())
        mine = self._place(key, generation)
        ahead = sum(
            1
            for other, due in stage.waiting.items()
            if other != key and due > now - _LATE and self._edited[other][1] > mine
        )
        left = max(stage.until - now, 0.0) + ahead * stage.price
        if left > 0:
            stage.waiting[key] = now + left
        else:
            stage.waiting.pop(key, None)
        return left

    def put_last(self, key: Key, generation: int) -> None:
        """Have this generation of a Changeset come after all others that wait."""
        known = self._edited.get(key)
        if known is None or known[0] != generation or known[1] >= 0:
            self._place(key, generation)
            self._edited[key] = (generation, -next(self._order))

    def paid(self, key: Key, seconds: float) -> None:
        """Note that an open Changeset was planned, and what that took.

        Until it is edited again, it comes after those that were planned before it.
        """
        self._put_off.pop(key, None)
        if key in self._edited:
            self._edited[key] = (self._edited[key][0], -next(self._order))
        self._stages.setdefault(key.namespace, _OfStage()).price = seconds / SHARE
        self.used(key.namespace, seconds)

    def used(self, namespace: str, seconds: float) -> None:
        """Note what a Stage's open Changesets took, whether or not one was planned."""
        stage = self._stages.setdefault(namespace, _OfStage())
        stage.until = max(stage.until, self._clock()) + seconds / SHARE - seconds

    def put_off(self, key: Key) -> float:
        """Seconds until a Changeset should ask again whose plan comes after those of others."""
        times = self._put_off.pop(key, 0)
        if len(self._put_off) >= _MOST:
            del self._put_off[next(iter(self._put_off))]
        self._put_off[key] = times + 1
        return min(_FIRST_DELAY * 2.0 ** min(times, 30), _LAST_DELAY)

    def forget(self, key: Key) -> None:
        """Forget a Changeset that is no longer open."""
        self._edited.pop(key, None)
        self._put_off.pop(key, None)
        stage = self._stages.get(key.namespace)
        if stage is None:
            return
        stage.waiting.pop(key, None)
        if not stage.waiting and stage.until < self._clock():
            del self._stages[key.namespace]

    def _place(self, key: Key, generation: int) -> int:
        known = self._edited.get(key)
        if known is None or known[0] != generation:
            if len(self._edited) >= _MOST:
                self.forget(next(iter(self._edited)))
            known = self._edited[key] = (generation, next(self._order))
        return known[1]
