"""The difference of two definitions: what a commit writes, in the order in which it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from setops.api import catalogue
from setops.api.app import AppSpec
from setops.api.definition import StageDefinition
from setops.api.section import SECTIONS, SERVICES, Entry, Section
from setops.api.service import ServiceSpec

Path = tuple[str, ...]
"""Names from an entry down to a field; a tuple, since a key may hold dots (`www.example.com`)."""


class Action(StrEnum):
    """What is done with a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    """Deleted and created again, since a field changes that can't be changed in place."""
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class FieldDelta:
    """One field with its JSON values; None means unset. A value is a scalar, a list or `{}`."""

    path: Path
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One entry that differs. `before` is None for a creation, `after` for a destruction.

    `fields` are those that differ; for a creation those that differ from the defaults, for a
    destruction none.
    """

    action: Action
    section: Section
    name: str
    before: Entry | None
    after: Entry | None
    fields: tuple[FieldDelta, ...] = ()

    @property
    def kind(self) -> str:
        """App, Service or Notification."""
        return self.section.kind.kind


def diff(before: StageDefinition, after: StageDefinition) -> tuple[Change, ...]:
    """The changes from one definition to the other, in the order of the writes.

    Services come first, since Apps link them; then Apps, then Notifications; then deletions of
    Services; and last, deletions of Services that hold data, since they can't be undone. Each group
    is sorted by name.
    """
    found = [change for section in SECTIONS for change in _section(section, before, after)]
    return tuple(sorted(found, key=_rank))


def apply(changes: Iterable[Change], before: StageDefinition) -> StageDefinition:
    """The definition after the changes; the inverse of `diff`."""
    sections: dict[Section, dict[str, Entry]] = {
        section: dict(before.section(section)) for section in SECTIONS
    }
    for change in changes:
        if change.after is None:
            del sections[change.section][change.name]
        else:
            sections[change.section][change.name] = change.after
    return before.with_sections(sections)


def is_final(change: Change) -> bool:
    """Whether the change deletes a Service that holds data, which can't be undone."""
    return (
        change.action in (Action.REPLACE, Action.DESTROY)
        and isinstance(change.before, ServiceSpec)
        and catalogue.TYPES[change.before.type].holds_data
    )


def deltas(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldDelta, ...]:
    """The fields in which two JSON trees differ, by path. Lists are compared as a whole."""
    return tuple(_deltas(before, after, ()))


def _section(section: Section, before: StageDefinition, after: StageDefinition) -> Iterator[Change]:
    old, new = before.section(section), after.section(section)
    for name in sorted({*old, *new}):
        was, will = old.get(name), new.get(name)
        if was is will or was == will:
            continue
        if will is None:
            yield Change(Action.DESTROY, section, name, was, None)
            continue
        base = was if was is not None else section.blank
        fields = deltas(base.to_json() if base else {}, will.to_json())
        yield Change(_action(was, will), section, name, was, will, fields)


def _action(before: Entry | None, after: Entry) -> Action:
    """What can't be changed in place are the immutable fields of the resources."""
    match before, after:
        case None, _:
            return Action.CREATE
        case AppSpec(), AppSpec() if before.network.protocol != after.network.protocol:
            return Action.REPLACE
        case ServiceSpec(), ServiceSpec() if before.type != after.type:
            return Action.REPLACE
        case _:
            return Action.UPDATE


def _rank(change: Change) -> int:
    if is_final(change):
        return len(SECTIONS) + 1
    if change.section is SERVICES and change.action in (Action.REPLACE, Action.DESTROY):
        return len(SECTIONS)
    return SECTIONS.index(change.section)


def _deltas(before: Any, after: Any, path: Path) -> Iterator[FieldDelta]:
    if before == after:
        return
    old = before if isinstance(before, Mapping) else {}
    new = after if isinstance(after, Mapping) else {}
    if not old and not new:
        yield FieldDelta(path, before, after)
        return
    if before is not None and not isinstance(before, Mapping):
        yield FieldDelta(path, before, None)
    for key in sorted({*old, *new}):
        yield from _deltas(old.get(key), new.get(key), (*path, key))
