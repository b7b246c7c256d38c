"""How long an account isn't called after AWS throttled it. Pure: callers pass the time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from setops.aws.target import Account

_FIRST: Final = 1.0
_LONGEST: Final = 60.0


@dataclass(slots=True)
class _Pause:
    until: float
    length: float


@dataclass(slots=True)
class Backoff:
    """Pauses per account that double from 1 s to 60 s; times are in seconds of any one clock.

    Not thread-safe: it belongs to the event loop.
    """

    _pauses: dict[Account, _Pause] = field(default_factory=dict)

    def throttled(self, account: Account, now: float) -> float:
        """AWS asked for fewer calls; returns the seconds to wait.

        Answers to calls that began before the pause don't make it longer.
        """
        pause = self._pauses.get(account)
        if pause is None:
            pause = self._pauses[account] = _Pause(now + _FIRST, _FIRST)
        elif now >= pause.until:
            pause.length = min(pause.length * 2, _LONGEST)
            pause.until = now + pause.length
        return pause.until - now

    def succeeded(self, account: Account, now: float) -> None:
        """A call was answered. That ends the back-off, unless a pause is still running."""
        pause = self._pauses.get(account)
        if pause is not None and now >= pause.until:
            del self._pauses[account]

    def remaining(self, account: Account, now: float) -> float:
        """Seconds until the account may be called again; 0 if it may be now."""
        pause = self._pauses.get(account)
        return max(0.0, pause.until - now) if pause is not None else 0.0
