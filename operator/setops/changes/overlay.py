"""The `definition` of a Changeset, laid over the Stage's: field by field, or in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from setops.api.definition import StageDefinition, load_entry
from setops.api.errors import Problem, ProblemsError, Validator, nearest, one_of, quoted
from setops.api.section import SECTIONS, Entry, Section, section_named
from setops.language import edit

Json = Mapping[str, Any]

# Only one field of each pair can be set, so setting one unsets the other. `*` is any key.
_ALTERNATIVES: Final[Mapping[tuple[str, ...], tuple[str, str]]] = {
    ("apps",): ("image", "activeRelease"),
    ("apps", "env", "*"): ("value", "secretRef"),
    ("apps", "links", "*"): ("envKey", "path"),
}
_GOES_WITH: Final = {"path": "readOnly"}


@dataclass(slots=True)
class Overlay:
    """The result of applying a definition: what is wrong, and which new entries failed."""

    definition: StageDefinition
    problems: list[Problem] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def refuse(self, section: Section, name: str, problems: Iterable[Problem]) -> None:
        """Note what is wrong with an entry, which isn't taken over."""
        self.problems += problems
        if name not in self.definition.section(section):
            self.failed.append(section.path(name))


def lay_over(base: StageDefinition, raw: Json) -> Overlay:
    """Merge a partial definition over the base: maps by key, everything else replaced.

    An entry with problems is left out, and stays as it is in the base.
    """
    overlay = Overlay(base)
    for section, name, entry in _entries(raw, overlay):
        before = base.section(section).get(name)
        under = before.to_json() if before is not None else {}
        _put(overlay, section, name, _merge(under, entry, (section.name,)))
    return overlay


def put_in_place(base: StageDefinition, raw: Json) -> Overlay:
    """Replace the whole definition (`prune`): entries that it doesn't name are removed.

    In a named entry, fields that are left out return to their defaults. An entry with problems
    stays as it is in the base, so that it causes no further errors.
    """
    overlay = Overlay(base)
    # Removals come first, so that a full Stage can be replaced as a whole.
    for section in SECTIONS:
        named = raw.get(section.name, {})
        for name in base.section(section):
            if isinstance(named, Mapping) and name not in named:
                overlay.definition = edit.destroy(overlay.definition, section, name)
    for section, name, entry in _entries(raw, overlay):
        _put(overlay, section, name, entry)
    return overlay


def _entries(raw: Json, overlay: Overlay) -> list[tuple[Section, str, Json]]:
    found: list[tuple[Section, str, Json]] = []
    for key, entries in raw.items():
        section = section_named(key)
        if section is None:
            overlay.problems.append(_no_section(key))
        elif not isinstance(entries, Mapping):
            overlay.problems.append(_not_a_map(key, "a map by name"))
        else:
            for name, entry in entries.items():
                path = section.path(name)
                if isinstance(entry, Mapping):
                    overlay.problems += _nulls(entry, path)
                    found.append((section, name, _without_nulls(entry)))
                else:
                    overlay.refuse(section, name, [_not_a_map(path, "a map of fields")])
    return found


def _no_section(name: str) -> Problem:
    known = [section.name for section in SECTIONS]
    guess = nearest(name, known)
    hint = f"did you mean {guess}?" if guess else f"it has {one_of(known)}"
    message = f"a definition has no {quoted(name)}; {hint}"
    return Problem(name, Validator.NOT_INCLUDED, message)


def _put(overlay: Overlay, section: Section, name: str, raw: Json) -> None:
    before = overlay.definition.section(section).get(name)
    # An entry that stays the same isn't validated again, as rules may be stricter by now.
    if before is not None and before.to_json() == raw:
        return
    try:
        entry: Entry = load_entry(section, name, raw)
        if entry != before:
            overlay.definition = edit.put(overlay.definition, section, name, entry)
    except ProblemsError as error:
        overlay.refuse(section, name, error.problems)


def _merge(under: Json, over: Json, shape: tuple[str, ...]) -> dict[str, Any]:
    merged = dict(under)
    for one, other in _both_ways(_ALTERNATIVES.get(shape)):
        if one in over and other not in over:
            merged.pop(other, None)
            merged.pop(_GOES_WITH.get(other, ""), None)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = _merge(below, value, _inside(shape, key))
        else:
            merged[key] = value
    return merged


def _both_ways(pair: tuple[str, str] | None) -> tuple[tuple[str, str], ...]:
    return (pair, (pair[1], pair[0])) if pair else ()


def _inside(shape: tuple[str, ...], key: str) -> tuple[str, ...]:
    keyed = shape in (("apps", "env"), ("apps", "links"))
    return (*shape, "*" if keyed else key)


def _nulls(value: Any, path: str) -> Iterator[Problem]:
    """Nulls are refused. The API server drops them, so they would mean something else there."""
    if value is None:
        message = f"{path} is null; leave it out, or take it away by a command or with prune"
        yield Problem(path, Validator.INVALID, message)
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _nulls(child, f"{path}.{key}")


def _without_nulls(value: Json) -> dict[str, Any]:
    return {
        key: _without_nulls(child) if isinstance(child, Mapping) else child
        for key, child in value.items()
        if child is not None
    }


def _not_a_map(path: str, what: str) -> Problem:
    return Problem(path, Validator.INVALID, f"{path} must be {what}")
