"""How long a thing may take before a commit counts it as failed, in seconds.

Which type of Service has which is `deadlines` in `services/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ROLLOUT_SECONDS: Final = 300
"""The time that an App gets to become ready, unless the Changeset sets `timeout`.

A commit (`reconcile/changeset/commit_deadline`) and the App's Deployment (`desired/app`) use it.
"""
MAX_TIMEOUT_SECONDS: Final = 86400
"""The largest `timeout` that a Changeset may set."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The time that a Service gets to be created, and to take on a change."""

    create: int
    update: int


QUICK: Final = Deadlines(create=ROLLOUT_SECONDS, update=ROLLOUT_SECONDS)
"""For what AWS makes within seconds."""
MEDIUM: Final = Deadlines(create=900, update=900)
"""For what AWS makes within minutes."""
SLOW: Final = Deadlines(create=3600, update=7200)
"""For servers, which AWS takes minutes to start and up to hours to upgrade."""
