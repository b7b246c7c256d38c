"""The steps of a commit and of its rollback: one module each, with one action called `take`.

Each looks at what is there and does only what is still missing, so it may be taken again after a
kill at any moment. Which one is next is decided in `machine`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from setops.api.changeset import Step
from setops.reconcile.changeset.job import Job
from setops.reconcile.changeset.observation import Commit
from setops.reconcile.changeset.steps import (
    delete,
    dry_run,
    finish,
    point_of_no_return,
    record,
    revert,
    wait,
    write,
)
from setops.reconcile.context import Context
from setops.reconcile.report import Requeue

Action = Callable[[Context, Commit], Awaitable[Job | Requeue | None]]
"""Takes a step. Returns a Job to continue with the Changeset as it is now, a Requeue to look again
later, and None at the end. Raises FailedError if the commit can't succeed, NotYetError if it has to
wait. Whatever else it raises is tried again for a while; see `patience`."""

ACTIONS: Final[Mapping[Step, Action]] = {
    Step.DRY_RUN: dry_run.take,
    Step.WRITE: write.take,
    Step.WAIT: wait.take,
    Step.POINT_OF_NO_RETURN: point_of_no_return.take,
    Step.DELETE: delete.take,
    Step.RECORD: record.take,
    Step.REVERT: revert.take,
    Step.FINISH: finish.take,
}
