"""How long an account isn't called after AWS throttled it or didn't answer. Pure: callers pass the
time.

After a pause one call at a time is let through, until one has been answered.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Literal

from setops.aws.target import Account

_FIRST: Final = 1.0
_LONGEST: Final = 60.0

NEXT_TRIAL: Final = 5.0
"""Seconds after which to ask again while another call tries the account."""

State = Literal["closed", "open", "half-open"]
"""Of an account: called, left alone, or tried with one call at a time."""


@dataclass(slots=True)
class _Pause:
    until: float
    length: float
    trying: bool = False


@dataclass(slots=True)
class Backoff:
    """Pauses per account that double from 1 s to 60 s; times are in seconds of any one clock.

    Not thread-safe: it belongs to the event loop.
    """

    _pauses: dict[Account, _Pause] = field(default_factory=dict)

    def failed(self, account: Account, now: float) -> float:
        """AWS asked for fewer calls, or didn't answer; returns the seconds to wait.

        Answers to calls that began before the pause don't make it longer.
        """
        pause = self._pauses.get(account)
        if pause is None:
            pause = self._pauses[account] = _Pause(now + _FIRST, _FIRST)
        elif now >= pause.until:
            pause.length = min(pause.length * 2, _LONGEST)
            pause.until = now + pause.length
            pause.trying = False
        return pause.until - now

    def succeeded(self, account: Account, now: float) -> None:
        """A call was answered. That ends the back-off, unless a pause is still running."""
        pause = self._pauses.get(account)
        if pause is not None and now >= pause.until:
            del self._pauses[account]

    def begin(self, account: Account, now: float) -> float:
        """Seconds until the account may be called; 0 if it is called now.

        Each call that is let through has to be followed by one of the other methods.
        """
        pause = self._pauses.get(account)
        if pause is None:
            return 0.0
        if now < pause.until:
            return pause.until - now
        if pause.trying:
            return NEXT_TRIAL
        pause.trying = True
        return 0.0

    def abandoned(self, account: Account) -> None:
        """A call that was let through has ended without telling anything about the account."""
        pause = self._pauses.get(account)
        if pause is not None:
            pause.trying = False

    def remaining(self, account: Account, now: float) -> float:
        """Seconds for which the account is left alone; 0 if it isn't."""
        pause = self._pauses.get(account)
        return max(0.0, pause.until - now) if pause is not None else 0.0

    def states(self, now: float) -> Counter[State]:
        """How many accounts are left alone, and how many are tried."""
        return Counter(
            "open" if now < pause.until else "half-open" for pause in self._pauses.values()
        )
