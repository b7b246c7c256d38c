"""The steps of a commit and of its rollback. Pure.

    DryRun ─▶ Write ─▶ Wait ─▶ PointOfNoReturn ─▶ Delete ─▶ Record ─▶ Finish    Committed
      │         │        │            │
      └─────────┴────────┴────────────┴──▶ Revert ─▶ Finish                      Failed

Which step is next follows from what is seen, not from what was done last, so a commit goes on
after a kill at any moment. The one thing that nothing else shows is whether the dry run has passed:
for that the step is stored in the status before it is taken. A commit that an earlier version began
has no step there.
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
    """What is seen of a running commit.

    `step` is the one in the status. `cancelled`: its user or the end of the Stage calls it off.
    `recorded`: its revision is stored, or it changes nothing. `irrevocable`: the point of no return
    is passed. `begun`: something of the plan is there. `writable`: something can be written now.
    `failure`: why it can't succeed. `lost`: because its plan can't be made again. `deletable`: a
    Service that holds data is still to be deleted.
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
