"""Direct edits: Apps, Services and Notifications that somebody changes without a Changeset.

Each becomes a revision of the Stage. So a Changeset that was begun earlier merges with them, a
rollback returns to them, and the history shows them. `kubectl apply` of many files is one edit: it
is recorded once the Stage has been quiet for a moment. An autoscaler's edits become one in the
end: `history` deletes those that it has made again.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable
from typing import Final

from setops.api.conditions import Reason
from setops.api.definition import StageDefinition
from setops.api.errors import ProblemsError
from setops.api.kinds import Object, key_of
from setops.api.section import SECTIONS
from setops.changes.diff import Change, diff
from setops.reconcile import history, lock, revisions
from setops.reconcile.context import Context
from setops.reconcile.live import last_editor, live_definition
from setops.reconcile.memory import Seen
from setops.reconcile.stage_around import is_deleting

QUIET: Final = 2.0
"""Seconds without a further edit after which the edits so far are recorded as one."""

_log = logging.getLogger(__name__)


async def record(
    context: Context, stage: Object, namespace: str, definition: StageDefinition
) -> int:
    """Make sure that the Stage's latest revision holds this live definition; its number.

    If it holds another one, somebody has edited resources directly. Raises as `revisions.store`.
    """
    cluster = context.cluster
    latest = revisions.latest_number(cluster, stage)
    if revisions.is_recorded(cluster, stage, definition):
        return latest
    author = last_editor(cluster, namespace, await _changes(context, stage, latest, definition))
    return await revisions.store(cluster, stage, latest + 1, definition, author)


async def _changes(
    context: Context, stage: Object, latest: int, definition: StageDefinition
) -> tuple[Change, ...]:
    """What was edited since a revision; nothing if the revision can't be read any more."""
    before = await revisions.readable(context, stage, latest)
    return diff(before.definition, definition) if before else ()


async def record_when_quiet(
    context: Context, stage: Object, namespace: str, resources: Iterable[Object]
) -> float | None:
    """Record direct edits of a Stage that is quiet and that no commit is changing.

    `resources` are its Apps, Services and Notifications. Returns the seconds after which to look
    again, None for only on events.
    """
    cluster, key = context.cluster, key_of(stage)
    marks, now = _marks(resources), context.now().timestamp()
    seen = context.memory.edits.get(key)
    if seen is None or seen.marks != marks:
        seen = context.memory.edits[key] = Seen(marks, now)
    if seen.recorded:
        return None
    left = seen.since + QUIET - now
    if left > 0:
        return left
    latest = cluster.get(key) or stage
    if lock.holder(cluster, latest, namespace) is not None:
        return QUIET
    try:
        live = live_definition(cluster, namespace)
        revisions.check_size(live)
    except (ProblemsError, revisions.TooLargeError) as error:
        # Each Changeset that is planned over it says so, too.
        message = f"the Stage's resources can't be recorded as a revision: {error}"
        context.events.record(latest, "Warning", Reason.REVISION_NOT_RECORDED.value, message)
        seen.recorded = True
        return None
    await record(context, latest, namespace, live)
    await history.prune(context, latest, namespace)
    seen.recorded = True
    return None


def is_recorded(context: Context, stage: Object, namespace: str) -> bool:
    """Whether the Stage's latest revision is known to hold its resources as they are now."""
    seen = context.memory.edits.get(key_of(stage))
    if seen is None or not seen.recorded:
        return False
    found = (obj for section in SECTIONS for obj in context.cluster.list(section.kind, namespace))
    return seen.marks == _marks(found)


def _marks(resources: Iterable[Object]) -> Hashable:
    """Differs after every edit, and is cheap to make."""
    return frozenset(
        (obj["metadata"]["uid"], obj["metadata"].get("generation"))
        for obj in resources
        if not is_deleting(obj)
    )
