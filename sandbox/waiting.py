"""Waiting for something to become true."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_POLL = 0.05

T = TypeVar("T")


def until(check: Callable[[], T | None], what: str, timeout: float = 30) -> T:
    """Calls `check` until it gives something true, and gives that.

    Raises TimeoutError, naming `what` was waited for, after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:.0f} s in vain for {what}")
        time.sleep(_POLL)
