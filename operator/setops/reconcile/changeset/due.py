"""What is due with a Changeset, by its phase and its spec. Pure.

The steps of a commit that has begun are decided in `machine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from setops.api.changeset import ChangesetSpec, Phase


class Due(Enum):
    """What to do next with a Changeset."""

    PLAN = "plan"
    """Show plan and errors; nothing else, until it is committed."""
    DRY_RUN = "dry run"
    """Plan, then end."""
    DISCARD = "discard"
    START = "start"
    """Take the lock, plan for good, and go on with COMMIT."""
    COMMIT = "commit"
    ROLL_BACK = "roll back"
    CLEAN_UP = "clean up"
    """It has ended: let go of the lock and the finalizer."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides: the phase in the status, the spec, and whether it is being deleted.

    `locked`: a commit is asked for, but its user has an older open Changeset on the Stage.
    `irrevocable`: the point of no return is passed, or the commit's revision is recorded.
    """

    phase: Phase
    spec: ChangesetSpec
    deleting: bool
    stage_deleting: bool
    locked: bool = False
    irrevocable: bool = False


def what_is_due(situation: Situation) -> Due:
    """What is due. A running Changeset runs to its end even if it is being deleted."""
    match situation.phase:
        case Phase.COMMITTED | Phase.FAILED | Phase.DISCARDED:
            return Due.CLEAN_UP
        case Phase.APPLYING:
            # `discard` cancels the commit. A Stage that is deleted takes everything with it anyway.
            if situation.stage_deleting:
                return Due.ROLL_BACK
            if situation.spec.discard and not situation.irrevocable:
                return Due.ROLL_BACK
            return Due.COMMIT
        case Phase.ROLLING_BACK:
            return Due.ROLL_BACK
        case Phase.OPEN | Phase.QUEUED:
            return _not_started(situation)


def _not_started(situation: Situation) -> Due:
    if situation.deleting:
        return Due.CLEAN_UP
    if situation.spec.discard:
        return Due.DISCARD
    if situation.spec.dry_run:
        return Due.DRY_RUN
    if situation.spec.commit and not situation.locked:
        return Due.START
    return Due.PLAN
