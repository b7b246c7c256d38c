"""The steps of a commit and of its rollback. Pure.

    DryRun ─▶ Write ─▶ Wait ─▶ PointOfNoReturn ─▶ Delete ─▶ Record ─▶ Finish    Committed
      │         │        │            │
      └─────────┴────────┴────────────┴──▶ Revert ─▶ Finish                      Failed

The next step follows from what is observed, not from what was done last. So a commit can be
resumed after a kill at any moment. Only one thing can't be observed: whether the dry run has
passed. That is why each step is stored in the status before it is taken. A commit that an earlier
version of the operator began has no step there.
"""

from __future__ import annotations

from dataclasses import dataclass

from setops.api.changeset import Phase, Step
from setops.changes.diff import Change


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a commit waits for, as a message.

    `change` is None while it waits for an earlier resource to be deleted.
    """

    message: str
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class CommitView:
    """What was observed of a running commit.

    `step` is the one in the status. `cancelled`: its user cancels it, or the Stage is being
    deleted. `recorded`: its revision is stored, or it changes nothing. `irrevocable`: the point of
    no return is passed. `begun`: part of the plan is written. `writable`: something can be written
    now. `failure`: why it can't succeed. `lost`: that is because its plan can't be made again.
    `deletable`: a Service that holds data still has to be deleted.
    """

    phase: Phase
    step: Step | None = None
    cancelled: bool = False
    recorded: bool = False
    irrevocable: bool = False
    begun: bool = False
    writable: bool = False
    failure: str = ""
    lost: bool = False
    awaited: Awaited | None = None
    deletable: bool = False


def next_step(view: CommitView) -> Step:
    """The step that is due."""
    if view.phase is Phase.ROLLING_BACK:
        return Step.FINISH if view.step is Step.FINISH else Step.REVERT
    if view.cancelled:
        return Step.REVERT
    if view.recorded:
        return Step.FINISH
    if view.lost:
        return Step.REVERT
    if view.irrevocable:
        return Step.DELETE if view.deletable else Step.RECORD
    return _revocable(view)


def _revocable(view: CommitView) -> Step:
    if view.failure:
        return Step.REVERT
    if not view.begun and view.step in (None, Step.DRY_RUN):
        return Step.DRY_RUN
    if view.writable:
        return Step.WRITE
    if view.awaited is not None:
        return Step.WAIT
    return Step.POINT_OF_NO_RETURN if view.deletable else Step.RECORD
