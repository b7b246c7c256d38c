"""Three-way merge of definitions: a Changeset's changes over what others changed meanwhile.

Fields merge one by one, lists as a whole. Both sides may make the same change. It is a conflict if
they set a field to different values, or if one side removes what the other changes.

`planning` merges when a plan is made; the message of a conflict is then in `conflicts`. `entries`
merges again when a commit writes, with what was edited since; that message is in `writes`. All of
these are in `reconcile/changeset`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from setops.api.definition import StageDefinition, check_links, service_problems
from setops.api.errors import Problem, Validator
from setops.api.section import SECTIONS, Entry, Section
from setops.api.service import ServiceSpec
from setops.api.validation import problems_of
from setops.changes.diff import Path

_ABSENT: Final = object()

_PARTS: Final = frozenset(
    {
        ("apps", "container"),
        ("apps", "network", "healthCheck"),
        ("apps", "env"),
        ("apps", "links"),
        ("apps", "releases"),
        ("apps", "domains"),
        ("apps", "schedule"),
        ("services", "options"),
    }
)
"""Parts that exist only while something is set in them.

Unsetting the last variable of an App is a change of that variable, not of the whole part.
"""


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """A place that both sides changed differently. Values are JSON, None where there is none.

    An empty `path` means the entry as a whole.
    """

    section: Section
    name: str
    path: Path
    base: Any
    ours: Any
    theirs: Any

    @property
    def field(self) -> str:
        """The path in the definition: `apps.web.resources.scale`."""
        return ".".join((self.section.name, self.name, *self.path))


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of a merge. `problems` are what only the combination of both sides breaks.

    With conflicts or problems, `definition` has the other side's values there. It may be shown, but
    must not be written.
    """

    definition: StageDefinition
    conflicts: tuple[MergeConflict, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryMerge:
    """A merged entry. The fields in conflict have their value."""

    entry: Entry
    conflicts: tuple[Path, ...]


def merge(base: StageDefinition, ours: StageDefinition, theirs: StageDefinition) -> Merged:
    """Carry the changes that lead from `base` to `ours` over to `theirs`."""
    if base == theirs:
        return Merged(ours)
    work = _Merging()
    sections = {section: work.section(section, base, ours, theirs) for section in SECTIONS}
    merged = theirs.with_sections(sections)
    broken = (*work.problems, *_broken_links(merged, (base, ours, theirs)))
    problems = (*map(_together, broken), *_too_many(merged))
    return Merged(merged, tuple(work.conflicts), problems)


def merge_entry(section: Section, name: str, sides: tuple[Entry, Entry, Entry]) -> EntryMerge:
    """Merge a single entry that all three sides (base, ours, theirs) have."""
    work = _Merging()
    base, ours, theirs = sides
    tree = work.tree((section, name), (), base.to_json(), ours.to_json(), theirs.to_json())
    entry = work.load(section, name, tree, theirs)
    broken = work.problems[0].field.split(".")[2:] if work.problems else None
    paths = [conflict.path for conflict in work.conflicts]
    return EntryMerge(entry, tuple(paths if broken is None else [*paths, tuple(broken)]))


def value_at(definition: StageDefinition, section: Section, name: str, path: Path) -> Any:
    """The JSON value of a field of a definition; None where there is none."""
    entry = definition.section(section).get(name)
    value: Any = entry.to_json() if entry is not None else None
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


class _Merging:
    def __init__(self) -> None:
        self.conflicts: list[MergeConflict] = []
        self.problems: list[Problem] = []

    def section(
        self,
        section: Section,
        base: StageDefinition,
        ours: StageDefinition,
        theirs: StageDefinition,
    ) -> dict[str, Entry]:
        sides = [definition.section(section) for definition in (base, ours, theirs)]
        merged = dict(sides[2])
        for name in sorted({name for side in sides for name in side}):
            entry = self._entry(section, name, *(side.get(name) for side in sides))
            if entry is None:
                merged.pop(name, None)
            else:
                merged[name] = entry
        return merged

    def _entry(
        self,
        section: Section,
        name: str,
        base: Entry | None,
        ours: Entry | None,
        theirs: Entry | None,
    ) -> Entry | None:
        if ours in (base, theirs):
            return theirs
        if theirs == base:
            return ours
        if base is None or ours is None or theirs is None:
            sides = (_json(base), _json(ours), _json(theirs))
            self.conflicts.append(MergeConflict(section, name, (), *sides))
            return theirs
        found = len(self.conflicts)
        tree = self.tree((section, name), (), base.to_json(), ours.to_json(), theirs.to_json())
        if len(self.conflicts) > found:
            return theirs
        return self.load(section, name, tree, theirs)

    def tree(
        self, entry: tuple[Section, str], path: Path, base: Any, ours: Any, theirs: Any
    ) -> Any:
        """Merge two JSON trees. Where both changed a value differently, theirs is kept."""
        if ours in (base, theirs):
            return theirs
        if theirs == base:
            return ours
        is_part = (entry[0].name, *path) in _PARTS
        if is_part:
            ours, theirs = ({} if side is _ABSENT else side for side in (ours, theirs))
        if not (isinstance(ours, Mapping) and isinstance(theirs, Mapping)):
            sides = (_present(base), _present(ours), _present(theirs))
            self.conflicts.append(MergeConflict(*entry, path, *sides))
            return theirs
        under = base if isinstance(base, Mapping) else {}
        merged = {}
        for key in (*theirs, *(key for key in ours if key not in theirs)):
            was, mine, other = (side.get(key, _ABSENT) for side in (under, ours, theirs))
            value = self.tree(entry, (*path, key), was, mine, other)
            if value is not _ABSENT:
                merged[key] = value
        return _ABSENT if is_part and not merged else merged

    def load(self, section: Section, name: str, tree: Any, theirs: Entry) -> Entry:
        """The merged entry. Each side alone was valid, so only their combination can be wrong."""
        try:
            entry = section.model.model_validate(tree)
        except ValidationError as error:
            self.problems += problems_of(error, section.path(name), section.model)
            return theirs
        if isinstance(entry, ServiceSpec):
            self.problems += service_problems(name, entry)
        return entry


def _together(problem: Problem) -> Problem:
    """The problem, with a message that says others' changes play a part."""
    return replace(problem, message=f"with what others have changed meanwhile: {problem.message}")


def _broken_links(merged: StageDefinition, sides: Iterable[StageDefinition]) -> Iterator[Problem]:
    """Problems with links that the merged definition has, but none of the three sides."""
    known = {(p.field, p.validator) for side in sides for p in check_links(side)}
    for problem in check_links(merged):
        if (problem.field, problem.validator) not in known:
            yield problem


def _too_many(merged: StageDefinition) -> Iterator[Problem]:
    for section in SECTIONS:
        count = len(merged.section(section))
        if count > section.limit:
            yield Problem(
                section.name,
                Validator.TOO_LONG,
                f"with what others have added meanwhile the Stage would have {count} {section}; "
                f"the limit is {section.limit}: destroy one that isn't needed any more, or use "
                "another Stage",
            )


def _json(entry: Entry | None) -> Any:
    return None if entry is None else entry.to_json()


def _present(value: Any) -> Any:
    return None if value is _ABSENT else value
