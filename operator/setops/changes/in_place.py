"""A resource's spec with some fields changed, and everything else as somebody wrote it. Pure.

A definition can't tell an empty map from none. A spec can, and so can what compares it with the
spec in Git. That's why a change is carried over to the spec field by field, instead of writing the
definition's own form of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from setops.api.names import MANAGER
from setops.api.section import Entry, Section
from setops.changes.diff import Path

_ABSENT: Final = object()


def spec_with(
    section: Section, live: Mapping[str, Any], before: Entry, after: Entry
) -> dict[str, Any]:
    """The live object's spec, which `before` is read from, changed so that it reads as `after`.

    A map that loses its last entry goes, unless somebody else wrote the map itself.
    """
    old, new = before.to_json(), after.to_json()
    for kept in (frozenset(held_maps(live)), frozenset[Path]()):
        spec = _changed(live["spec"], (old, new), (), kept)
        # To some fields an empty map is something, so that it can't stay.
        if section.model.model_validate(spec) == after:
            break
    return spec


def held_maps(live: Mapping[str, Any]) -> Iterator[Path]:
    """The maps of a spec that managers other than the operator wrote themselves, empty or not."""
    for entry in live["metadata"].get("managedFields") or ():
        if entry.get("manager") != MANAGER and not entry.get("subresource"):
            yield from _held((entry.get("fieldsV1") or {}).get("f:spec") or {}, ())


def _held(fields: Mapping[str, Any], path: Path) -> Iterator[Path]:
    if not fields or "." in fields:
        yield path
    for name, inner in fields.items():
        if name.startswith("f:"):
            yield from _held(inner, (*path, name.removeprefix("f:")))


def _changed(
    raw: Any, sides: tuple[Mapping[str, Any], Mapping[str, Any]], path: Path, kept: Collection[Path]
) -> dict[str, Any]:
    """`raw` with the fields that differ between the sides, before and after."""
    result = dict(raw) if isinstance(raw, Mapping) else {}
    before, after = sides
    for name in (*after, *(name for name in before if name not in after)):
        old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
        where = (*path, name)
        if old == new:
            continue
        under = {} if old is _ABSENT else old
        if isinstance(new, Mapping) and isinstance(under, Mapping):
            result[name] = _changed(result.get(name), (under, new), where, kept)
        elif new is not _ABSENT:
            result[name] = new
        elif where in kept and isinstance(under, Mapping):
            result[name] = {}
        else:
            result.pop(name, None)
    return result
