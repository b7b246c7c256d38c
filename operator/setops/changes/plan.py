"""The plan: the difference of two definitions for people, in a status or a terminal.

Values that come from a Secret are shown as `Secret name/key`, never as themselves.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from setops.api.app import AppSpec
from setops.api.changeset import ChangesetError, FieldChange, Plan, PlannedChange
from setops.api.definition import StageDefinition
from setops.api.errors import Problem
from setops.api.section import Entry
from setops.changes.diff import Action, Change
from setops.changes.effects import effect

MAX_ROWS: Final = 1000
"""Fields that a plan shows. Of the rest it gives the number, so that the status can be stored."""
ROOM: Final = 500_000
"""Bytes that the fields of a plan may take, for the same reason."""
MAX_VALUE: Final = 200

_NOTHING: Final = "Nothing to change"
_SIGNS: Final = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.DESTROY: "-",
}


@dataclass(frozen=True, slots=True)
class Source:
    """What a plan was made from, and what it leads to. See `digest` for the hashes.

    `notes` are those of the module `notes`, `missing` the Services that Apps have waited for.
    """

    generation: int
    content_hash: str
    target_hash: str
    registry: str | None = None
    notes: Sequence[str] = ()
    missing: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Planned:
    """What a Changeset does to the definition `before`, and everything that is wrong with it."""

    before: StageDefinition
    after: StageDefinition
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    plan: Plan

    @property
    def target_hash(self) -> str:
        """The hash of the definition that the plan leads to."""
        return self.plan.target_hash


def plan_of(changes: Sequence[Change], source: Source, room: int = ROOM) -> Plan:
    """The plan of a commit that writes these changes, its fields in about `room` bytes at most."""
    left = MAX_ROWS
    room -= sum(len(note.encode()) for note in source.notes)
    planned = []
    for change in changes:
        rows = list(_rows(change))
        shown = []
        for row in rows[:left]:
            room -= _bytes(row)
            if room < 0:
                break
            shown.append(row)
        left -= len(shown)
        if len(shown) < len(rows):
            shown.append(FieldChange(path=f"({len(rows) - len(shown)} more fields)"))
        planned.append(
            PlannedChange(
                action=change.action,
                kind=change.kind,
                name=change.name,
                fields=shown or None,
                effect=effect(change, source.missing),
            )
        )
    return Plan(
        summary=summary(changes),
        generation=source.generation,
        content_hash=source.content_hash,
        target_hash=source.target_hash,
        registry=source.registry,
        changes=planned,
        notes=list(source.notes) or None,
    )


def _bytes(row: FieldChange) -> int:
    """About how many bytes a row takes as JSON: mostly text, and some keys and quotes."""
    texts = (row.path, row.from_ or "", row.to or "")
    return 40 + sum(len(text.encode()) for text in texts)


def summary(changes: Iterable[Change]) -> str:
    """`1 to create, 2 to change, 0 to destroy`, and how many are replaced if any are."""
    count = Counter(change.action for change in changes)
    if not count:
        return _NOTHING
    replaced = f", {count[Action.REPLACE]} to replace" if count[Action.REPLACE] else ""
    return (
        f"{count[Action.CREATE]} to create, {count[Action.UPDATE]} to change{replaced}, "
        f"{count[Action.DESTROY]} to destroy"
    )


def plan_text(plan: Plan) -> str:
    """A plan for a terminal, in lines without a last line break."""
    lines = [plan.summary]
    for change in plan.changes:
        lines += ["", f"{_SIGNS[Action(change.action)]} {change.kind} {change.name}"]
        lines += [f"    {_field_text(change.action, row)}" for row in change.fields or ()]
        if change.effect:
            lines.append(f"  ! {change.effect}")
    if plan.notes:
        lines += ["", *(f"= {note}" for note in plan.notes)]
    return "\n".join(lines)


def error_of(problem: Problem) -> ChangesetError:
    """A problem as a Changeset's status lists it."""
    return ChangesetError(
        category=problem.category,
        code=problem.code,
        validator=problem.validator,
        field=problem.field or None,
        command=problem.command,
        message=problem.message,
    )


def value_text(value: Any) -> str:
    """A value of a definition in short: numbers plain, lists as on a command line."""
    match value:
        case bool():
            text = str(value).lower()
        case "" | []:
            text = "(empty)"
        case dict():
            text = "(empty)"
        case list():
            text = shlex.join(map(str, value))
        case _:
            text = str(value)
    shown = text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"
    return "".join(char if char.isprintable() else " " for char in shown)


def _rows(change: Change) -> Iterator[FieldChange]:
    """One row a field; where a variable's value comes from is one row, whatever the source."""
    seen: set[str] = set()
    for delta in change.fields:
        if delta.path[0] == "env" and delta.path[2:3] != ("description",):
            key = delta.path[1]
            if key not in seen:
                seen.add(key)
                before, after = _source_text(change.before, key), _source_text(change.after, key)
                yield FieldChange(path=f"env.{key}", from_=before, to=after)
        else:
            before, after = _side(delta.before), _side(delta.after)
            yield FieldChange(path=".".join(delta.path), from_=before, to=after)


def _side(value: Any) -> str | None:
    return None if value is None else value_text(value)


def _source_text(entry: Entry | None, key: str) -> str | None:
    variable = (entry.env or {}).get(key) if isinstance(entry, AppSpec) else None
    if variable is None:
        return None
    if variable.secret_ref is not None:
        return f"Secret {variable.secret_ref.name}/{variable.secret_ref.key}"
    return value_text(variable.value)


def _field_text(action: str, row: FieldChange) -> str:
    if row.from_ is None and row.to is None:
        return row.path
    if action == Action.CREATE:
        return f"{row.path}: {row.to}"
    return f"{row.path}: {row.from_ or '(unset)'} → {row.to or '(unset)'}"
