"""How long AWS is waited for after it has accepted a change, and when it is asked again. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

BEGINS: Final = timedelta(minutes=10)
"""How long AWS may take to show that it has begun with what it accepted."""
PAUSE: Final = timedelta(hours=1)
"""When AWS is asked again for what it has given up: each attempt may take a database down for
minutes."""


def time_of_day(at: datetime) -> str:
    """The time for a message: `14:05 UTC`."""
    return f"{at.astimezone(UTC):%H:%M} UTC"
