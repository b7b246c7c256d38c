"""Where plans are made: the port to whatever makes them. A plan may take seconds."""

from __future__ import annotations

from typing import Protocol

from setops.changes.outcome import Outcome, Question, outcome_of


class TooCostlyError(Exception):
    """The plan took more time or memory than one Changeset may; the message names the bound."""


class BusyError(Exception):
    """Others' costly plans come first, and enough wait already; nothing was done."""


class Planner(Protocol):
    """Makes plans without keeping others waiting."""

    async def outcome(self, question: Question, namespace: str) -> Outcome:
        """What `outcome_of` answers, for a Stage's namespace.

        Raises TooCostlyError, and BusyError for a costly one while others are made.
        """

    def seconds(self, namespace: str) -> float:
        """The seconds that the last plan for a Stage's namespace took."""


class InlinePlanner:
    """Makes each plan at once, where it is asked."""

    async def outcome(self, question: Question, namespace: str) -> Outcome:  # noqa: ARG002
        """See `Planner.outcome`."""
        return outcome_of(question)

    def seconds(self, namespace: str) -> float:  # noqa: ARG002
        """See `Planner.seconds`."""
        return 0.0
