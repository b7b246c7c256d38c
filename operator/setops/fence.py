"""The fence: whether this process may still write, by a clock that no suspension hides.

Every call that changes something asks it right before it leaves: `kube/connection` for the API
server, `aws/clients` for AWS. Their callers needn't think of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

CLOSED: Final = float("-inf")

Clock = Callable[[], float]
"""Seconds since some fixed moment. It never goes back, whatever becomes of the wall clock."""


def now() -> float:
    """Seconds since the start of the machine, those of its suspension included where it counts."""
    return time.clock_gettime(_CLOCK)


_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class FencedError(Exception):
    """Nothing was sent: whoever leads now may be at work already."""


class Tenure:
    """How long one Lease is ours without another renewal. May be read and set from any thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.until = CLOSED
        """When it ends, on the fence's clock."""

    def end(self) -> None:
        """Nothing may be written from here on."""
        self.until = CLOSED


class Fence:
    """Open while every one of its tenures lasts. May be asked from any thread."""

    def __init__(self, *tenures: Tenure, clock: Clock = now) -> None:
        self._tenures = tenures
        self._clock = clock

    @property
    def left(self) -> float:
        """Seconds for which it stays open; not above zero once it is closed."""
        return min(tenure.until for tenure in self._tenures) - self._clock()

    def check(self) -> None:
        """Raises FencedError unless this process may write."""
        moment = self._clock()
        for tenure in self._tenures:
            if moment >= tenure.until:
                raise FencedError(f"nothing is written any more: {tenure.name} was not renewed")
