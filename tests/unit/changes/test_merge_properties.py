"""Merging at random: the same from both sides, field by field, and nothing is lost."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition, check_links, load
from setops.api.section import SECTIONS
from setops.changes.diff import Path, diff
from setops.changes.fold import fold
from setops.changes.merge import Merged, merge, value_at
from tests.unit.changes.definitions import (
    CONTEXT,
    DEFINITIONS,
    NOTIFICATIONS,
    SERVICES,
    apps,
    lines,
)

# Bases and lines are such that two users often meet in the same App.

CROWDED: st.SearchStrategy[StageDefinition] = st.builds(
    StageDefinition,
    apps=st.fixed_dictionaries({"web": apps(), "api": apps()}),
    services=st.fixed_dictionaries({"store": SERVICES, "cache": SERVICES}),
    notifications=st.fixed_dictionaries({"ops": NOTIFICATIONS}),
)


def _written(definition: StageDefinition) -> StageDefinition:
    """Without parts in which nothing is set (`container: {}`), which commands never leave."""
    return load(_without_empty(definition.to_json()))


def _without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_empty(child) for key, child in value.items() if child != {}}


ANY = st.one_of(CROWDED, CROWDED, DEFINITIONS).map(_written)
NAMES = st.sampled_from(["web", "api", "worker", "store", "cache", "ops"])


@st.composite
def triples(draw: st.DrawFn) -> tuple[StageDefinition, StageDefinition, StageDefinition]:
    """A base and what two users make of it."""
    base = draw(ANY)
    return base, draw(_sides(base)), draw(_sides(base))


def _sides(base: StageDefinition) -> st.SearchStrategy[StageDefinition]:
    folded = lines(min_size=3).map(
        lambda commands: fold(base, ChangesetSpec(commands=commands), CONTEXT).definition
    )
    mixed = st.builds(_mixed, st.just(base), ANY, st.sets(NAMES, min_size=1, max_size=2))
    return st.one_of(folded, folded, mixed)


def _mixed(
    base: StageDefinition, other: StageDefinition, names: Collection[str]
) -> StageDefinition:
    """The entries of these names from another definition, the others as they are."""
    sections = {}
    for section in SECTIONS:
        entries = dict(base.section(section))
        for name in names:
            entries.pop(name, None)
            if name in other.section(section):
                entries[name] = other.section(section)[name]
        sections[section] = entries
    return base.with_sections(sections)


def places(merged: Merged) -> list[tuple[str, str, Path]]:
    return sorted((c.section.name, c.name, c.path) for c in merged.conflicts)


@given(DEFINITIONS, DEFINITIONS)
def test_with_one_side_unchanged_the_other_is_the_result(
    base: StageDefinition, other: StageDefinition
) -> None:
    assert merge(base, base, other) == Merged(other)
    assert merge(base, other, base) == Merged(other)
    assert merge(base, other, other) == Merged(other)


@given(triples())
def test_it_is_the_same_from_both_sides(
    sides: tuple[StageDefinition, StageDefinition, StageDefinition],
) -> None:
    base, ours, theirs = sides
    one, other = merge(base, ours, theirs), merge(base, theirs, ours)
    assert places(one) == places(other)
    if not one.conflicts and not any(map(check_links, sides)):
        assert bool(one.problems) == bool(other.problems)
    swapped = {(c.field, repr(c.base), repr(c.theirs), repr(c.ours)) for c in other.conflicts}
    assert {(c.field, repr(c.base), repr(c.ours), repr(c.theirs)) for c in one.conflicts} == swapped
    if not one.conflicts and not one.problems:
        assert one == other


@given(triples())
def test_nothing_that_is_given_is_changed(
    sides: tuple[StageDefinition, StageDefinition, StageDefinition],
) -> None:
    before = [side.model_copy(deep=True) for side in sides]
    merge(*sides)
    assert list(sides) == before


@given(triples())
def test_the_result_is_valid(
    sides: tuple[StageDefinition, StageDefinition, StageDefinition],
) -> None:
    definition = merge(*sides).definition
    assert StageDefinition.model_validate(definition.to_json(), strict=True) == definition


@given(triples())
def test_without_conflict_it_holds_what_each_side_has_changed(
    sides: tuple[StageDefinition, StageDefinition, StageDefinition],
) -> None:
    base, ours, theirs = sides
    merged = merge(base, ours, theirs)
    if merged.conflicts or merged.problems:
        return
    for side in (ours, theirs):
        for change in diff(base, side):
            entry = merged.definition.section(change.section).get(change.name)
            assert (entry is None) == (change.after is None)
            for delta in change.fields:
                found = value_at(merged.definition, change.section, change.name, delta.path)
                assert found == delta.after


@given(triples())
def test_it_merges_leaf_by_leaf(
    sides: tuple[StageDefinition, StageDefinition, StageDefinition],
) -> None:
    base, ours, theirs = (dict(_leaves(side)) for side in sides)
    merged = merge(*sides)
    leaves, clashes = _expected(base, ours, theirs)
    assert {(c.section.name, c.name, *c.path) for c in merged.conflicts} == clashes
    if not merged.conflicts and not merged.problems:
        assert dict(_leaves(merged.definition)) == leaves


Leaves = Mapping[Path, Any]


def _leaves(definition: StageDefinition) -> Iterator[tuple[Path, Any]]:
    for section in SECTIONS:
        for name, entry in definition.section(section).items():
            yield from _leaves_of(entry.to_json(), (section.name, name))


def _leaves_of(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves_of(child, (*path, key))
    else:
        yield path, value


def _thing(path: Path) -> Path:
    """The named thing that a field belongs to: it comes and goes as a whole."""
    keyed = path[2:3] in (("env",), ("links",), ("releases",), ("domains",), ("schedule",))
    check = path[2:4] == ("container", "healthCheck")
    return path[:4] if keyed or check else path[:2]


def _expected(base: Leaves, ours: Leaves, theirs: Leaves) -> tuple[Leaves, set[Path]]:
    """The merge in other words: of flat fields, with things that come and go as a whole."""
    merged: dict[Path, Any] = {}
    clashes: set[Path] = set()
    for path in {**base, **ours, **theirs}:
        for thing in (path[:2], _thing(path)):
            sides = [_of_thing(side, thing) for side in (base, ours, theirs)]
            if _clash_as_a_whole(thing, *sides):
                clashes.add(thing)
                break
        else:
            was, mine, other = (side.get(path) for side in (base, ours, theirs))
            if mine not in (was, other) and other != was:
                clashes.add(path)
            value = other if mine == was else mine
            if value is not None:
                merged[path] = value
    return merged, clashes


def _of_thing(side: Leaves, thing: Path) -> Leaves:
    return {path: value for path, value in side.items() if path[: len(thing)] == thing}


def _clash_as_a_whole(thing: Path, base: Leaves, ours: Leaves, theirs: Leaves) -> bool:
    if ours in (base, theirs) or theirs == base:
        return False
    if not base:
        return len(thing) == 2
    return not ours or not theirs
