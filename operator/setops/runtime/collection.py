"""When Python's garbage collector runs, and what it looks at.

Most of the operator's memory is its cache, which no collection ever frees. Walking over it costs
tenths of a second with a thousand Apps, and every event makes enough short-lived objects to bring
the next walk nearer. Without this, a quarter of the CPU that a changed App costs is spent on it.
"""

from __future__ import annotations

import gc
from typing import Final

THRESHOLDS: Final = (5_000, 20, 20)
"""Thresholds of the three generations, as `gc.set_threshold` takes them."""


def tune() -> None:
    """Collect less often than by default. For the start of the process."""
    gc.set_threshold(*THRESHOLDS)


def exempt_what_lives() -> None:
    """Collect all garbage once, and don't look at what is left until the next call."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
