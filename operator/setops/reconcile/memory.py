"""What the operator remembers between two looks. Losing it costs one more look, nothing else."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from setops.api.kinds import Key


@dataclass(slots=True)
class Seen:
    """How a Stage's resources stood when last looked at, since when, and if that is recorded.

    `since` in seconds since the epoch.
    """

    marks: Hashable
    since: float
    recorded: bool = False


@dataclass(slots=True)
class Memory:
    """Of each Stage, by its key: what was seen of its resources."""

    edits: dict[Key, Seen] = field(default_factory=dict)
