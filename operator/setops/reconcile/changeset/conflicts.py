"""Why a Changeset with correct commands can't be committed: what other people changed or own.

These messages are for the plan. What is edited while the commit runs is reported by `writes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from setops.api.errors import Code, Problem, Validator, quoted
from setops.api.section import SECTIONS
from setops.changes.merge import MergeConflict, value_at
from setops.changes.outcome import OwnedByGit
from setops.changes.plan import value_text
from setops.reconcile import revisions
from setops.reconcile.changeset.job import Job
from setops.reconcile.context import Context


async def problems(
    context: Context, job: Job, base: revisions.Revision, conflicts: Sequence[MergeConflict]
) -> list[Problem]:
    """A problem for each conflict: its field, both values, and who made the other change and when.

    `changes/merge` finds the conflicts.
    """
    if not conflicts:
        return []
    cluster, stage = context.cluster, job.around.stage
    kept = [int(item["revision"]) for item in revisions.of_stage(cluster, stage)]
    later = [
        revision
        for number in kept
        if number > base.number
        and (revision := await revisions.readable(context, stage, number)) is not None
    ]
    mine = f"this Changeset of {job.spec.user}" if job.spec.user else "this Changeset"
    return [_problem(conflict, mine, _maker(conflict, base, later)) for conflict in conflicts]


def owned_by_git(owned: OwnedByGit) -> Problem:
    """A field that belongs to Git, or a resource that a Git tool tracks."""
    section = next(section for section in SECTIONS if section.name == owned.section)
    what = f"{section.kind} {quoted(owned.name)}"
    field = section.path(owned.name, *owned.path)
    if owned.path:
        message = (
            f"{'.'.join(owned.path)} of {what} belongs to Git: {owned.owner} would put it back; "
            "change it in Git, or remove it from Git"
        )
    else:
        message = (
            f"{what} comes from Git ({owned.owner}), which would create it again; "
            "remove it there instead"
        )
    return Problem(field, Validator.INVALID, message, Code.CHANGESET_INVALID)


def _maker(
    conflict: MergeConflict, base: revisions.Revision, later: Iterable[revisions.Revision]
) -> str:
    """Who changed the field last since the base, according to the revisions.

    Some of them may not be kept. Then the next one differs in a field that it needn't have changed.
    """
    where = (conflict.section, conflict.name, conflict.path)
    before, earlier = value_at(base.definition, *where), base.number
    said = "somebody, directly"
    for revision in later:
        now = value_at(revision.definition, *where)
        if now != before and (earlier + 1 == revision.number or _edits(revision, conflict)):
            said = f"{revision.author} in revision {revision.number}"
        elif now != before:
            said = f"somebody between revisions {earlier} and {revision.number}"
        before, earlier = now, revision.number
    return said


def _edits(revision: revisions.Revision, conflict: MergeConflict) -> bool:
    return any(
        conflict.field == field or conflict.field.startswith(f"{field}.")
        for field in revision.author.fields
    )


def _problem(conflict: MergeConflict, mine: str, maker: str) -> Problem:
    what = f"{conflict.section.kind} {quoted(conflict.name)}"
    if conflict.path:
        theirs = _become(conflict.base, conflict.theirs)
        ours = "unset" if conflict.ours is None else f"to {_value(conflict.ours)}"
        message = (
            f"{'.'.join(conflict.path)} of {what} was {theirs} by {maker} after {mine} was begun, "
            f"which {'leaves it' if conflict.ours is None else 'sets it'} {ours}"
        )
    else:
        does, _ = _deed(conflict.base, conflict.ours)
        _, done = _deed(conflict.base, conflict.theirs)
        message = f"{what} was {done} by {maker} after {mine} was begun; this Changeset {does} it"
    taken = conflict.base is None and not conflict.path
    return Problem(
        conflict.field,
        Validator.TAKEN if taken else Validator.INVALID,
        f"{message}; discard this Changeset and create a new one from the current state",
        conflict.section.taken if taken else Code.CHANGESET_INVALID,
    )


def _become(before: Any, after: Any) -> str:
    if after is None:
        return "unset"
    if before is None:
        return f"set to {_value(after)}"
    return f"changed from {_value(before)} to {_value(after)}"


def _deed(before: Any, after: Any) -> tuple[str, str]:
    """What one side does with an entry: in the present, and in the past."""
    if before is None:
        return "creates", "created"
    return ("destroys", "destroyed") if after is None else ("changes", "changed")


def _value(value: Any) -> str:
    return value_text("…" if isinstance(value, dict) and value else value)
