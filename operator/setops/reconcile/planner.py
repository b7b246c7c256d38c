"""Where plans are made: the port to whatever makes them. A plan may take seconds."""

from __future__ import annotations

from typing import Protocol

from setops.changes.outcome import Outcome, Question, outcome_of


class TooCostlyError(Exception):
    """The plan took more time or memory than one Changeset may; the message names the bound."""


class Planner(Protocol):
    """Makes plans without keeping others waiting."""

    @property
    def is_busy(self) -> bool:
        """Whether a costly plan is being made that is only to be shown."""

    async def outcome(self, question: Question, namespace: str) -> Outcome:
        """What `outcome_of` answers, for a Stage's namespace. Raises TooCostlyError."""

    def seconds(self, namespace: str) -> float:
        """The seconds that the last plan for a Stage's namespace took."""


class InlinePlanner:
    """Makes each plan at once, where it is asked."""

    is_busy = False

    async def outcome(self, question: Question, namespace: str) -> Outcome:  # noqa: ARG002
        """See `Planner.outcome`."""
        return outcome_of(question)

    def seconds(self, namespace: str) -> float:  # noqa: ARG002
        """See `Planner.seconds`."""
        return 0.0
