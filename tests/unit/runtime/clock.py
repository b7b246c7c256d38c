"""A clock for tests, which goes when it is told to."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(order=True)
class Call:
    """Something that happens at a time."""

    when: float
    order: int
    callback: Callable[[Any], None] = field(compare=False)
    argument: Any = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Make it not happen."""
        self.cancelled = True


class FakeClock:
    """Time in seconds that passes by `advance` alone."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._calls: list[Call] = []
        self._order = itertools.count()

    def time(self) -> float:
        """The time."""
        return self.now

    def call_at(self, when: float, callback: Callable[[Any], None], argument: Any, /) -> Call:
        """Call back when the time has come."""
        call = Call(when, next(self._order), callback, argument)
        heapq.heappush(self._calls, call)
        return call

    def advance(self, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        end = self.now + seconds
        while self._calls and self._calls[0].when <= end:
            call = heapq.heappop(self._calls)
            self.now = max(self.now, call.when)
            if not call.cancelled:
                call.callback(call.argument)
        self.now = end
