"""Whatever stands in a Changeset, folding ends, and each problem says what and where."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition
from setops.api.section import SECTIONS
from setops.changes.fold import Folded, fold
from setops.language.parse import render
from setops.language.table import COMMANDS
from tests.unit.changes.definitions import CONTEXT, DEFINITIONS
from tests.unit.language.lines import LINES, TEXT, invocations_of

# Values that mean something for some command or field, so that all of them are reached.
VALUES = st.one_of(
    st.sampled_from(["web", "api", "store", "cache", "ops", "s3", "redis", "email", "true", "tcp"]),
    st.sampled_from(["A=1", "1A=2", "PORT", "creds/a", "/data", "200-299", "a.example.com"]),
    st.sampled_from(
        ["0", "1", "-1", "128", "9" * 50, "nginx:1", "a@b.example", "blockPublicAccess"]
    ),
    TEXT,
)
MEANT = st.sampled_from(list(COMMANDS.values())).flatmap(
    lambda command: invocations_of(command, VALUES)
)


def check(base: StageDefinition, spec: ChangesetSpec) -> Folded:
    folded = fold(base, spec, CONTEXT)
    for problem in folded.problems:
        assert problem.message
        assert problem.command is None or 0 <= problem.command < len(spec.commands or ())
    definition = folded.definition
    assert StageDefinition.model_validate(definition.to_json(), strict=True) == definition
    return folded


@given(DEFINITIONS, st.lists(MEANT.map(render), min_size=1, max_size=5))
@settings(max_examples=150)
def test_any_invocation(base: StageDefinition, commands: list[str]) -> None:
    check(base, ChangesetSpec(commands=commands))


@given(DEFINITIONS, st.lists(LINES.filter(bool), min_size=1, max_size=5))
def test_any_text(base: StageDefinition, commands: list[str]) -> None:
    # The API server stores no lone surrogates.
    text = [line.encode(errors="replace").decode() for line in commands]
    check(base, ChangesetSpec(commands=text))


def _fields() -> list[str]:
    schema = json.dumps(StageDefinition.model_json_schema(by_alias=True))
    found: set[str] = set()
    _collect(json.loads(schema), found)
    return sorted(found)


def _collect(schema: Any, found: set[str]) -> None:
    if isinstance(schema, dict):
        found.update(schema.get("properties", {}))
        for child in schema.values():
            _collect(child, found)


KEYS = st.one_of(
    st.sampled_from([*_fields(), "web", "store", "ops", "A", "PORT", "1", "a.example.com"]), TEXT
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 70_000), st.floats(allow_nan=False), VALUES
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)
ENTRIES = st.dictionaries(
    st.sampled_from(["web", "api", "store", "ops", "No"]),
    st.one_of(JSON, st.dictionaries(KEYS, JSON, max_size=4)),
    max_size=2,
)
PARTS = st.one_of(
    st.dictionaries(KEYS, JSON, max_size=3),
    st.dictionaries(st.sampled_from([section.name for section in SECTIONS]), ENTRIES, max_size=3),
)


@given(DEFINITIONS, PARTS, st.booleans())
@settings(max_examples=300)
def test_any_definition(base: StageDefinition, part: dict[str, Any], prune: bool) -> None:
    before = json.dumps(part)
    check(base, ChangesetSpec(definition=part, prune=prune))
    assert json.dumps(part) == before


@given(DEFINITIONS, st.data())
@settings(max_examples=100)
def test_a_definition_with_one_thing_wrong(base: StageDefinition, data: st.DataObject) -> None:
    part = base.to_json()
    place: Any = part
    while isinstance(place, dict) and place:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or data.draw(st.booleans()):
            place[key] = data.draw(JSON)
            break
        place = place[key]
    check(base, ChangesetSpec(definition=part, prune=data.draw(st.booleans())))
