"""The difference of two definitions, and that it leads exactly from one to the other."""

from __future__ import annotations

import json

from hypothesis import given

from setops.api.definition import StageDefinition, load
from setops.changes.diff import Action, FieldDelta, apply, deltas, diff, is_final
from setops.changes.digest import definition_hash
from tests.unit.changes.definitions import DEFINITIONS, stage


@given(DEFINITIONS, DEFINITIONS)
def test_the_difference_leads_from_one_to_the_other(
    before: StageDefinition, after: StageDefinition
) -> None:
    copy = before.model_copy(deep=True)
    assert apply(diff(before, after), before) == after
    assert before == copy


@given(DEFINITIONS, DEFINITIONS)
def test_what_is_equal_has_no_difference_and_one_hash(
    before: StageDefinition, after: StageDefinition
) -> None:
    same = load(before.to_json())
    assert diff(before, same) == ()
    assert definition_hash(before) == definition_hash(same)
    assert (diff(before, after) == ()) == (definition_hash(before) == definition_hash(after))


@given(DEFINITIONS)
def test_a_definition_survives_dump_and_load(definition: StageDefinition) -> None:
    dumped = json.dumps(definition.to_json())
    assert load(json.loads(dumped)) == definition
    assert StageDefinition.model_validate_json(dumped, strict=True) == definition
    assert json.dumps(load(json.loads(dumped)).to_json()) == dumped


@given(DEFINITIONS, DEFINITIONS)
def test_an_update_names_its_fields(before: StageDefinition, after: StageDefinition) -> None:
    for change in diff(before, after):
        if change.action in (Action.UPDATE, Action.REPLACE):
            assert change.fields
        assert all(delta.before != delta.after for delta in change.fields)


@given(DEFINITIONS, DEFINITIONS)
def test_what_cannot_be_undone_comes_last(before: StageDefinition, after: StageDefinition) -> None:
    final = [is_final(change) for change in diff(before, after)]
    assert final == sorted(final)


def test_the_order_is_that_of_the_writes() -> None:
    before = stage(
        apps={"old": {}, "web": {}, "echo": {}},
        services={"gone": {"type": "s3"}, "kept": {"type": "s3"}},
        notifications={"ops": {"type": "email", "target": "a@example.com"}},
    )
    after = stage(
        apps={
            "api": {},
            "web": {"resources": {"scale": 2}},
            "echo": {"network": {"protocol": "tcp"}},
        },
        services={
            "kept": {"type": "s3", "deletionPolicy": "Delete"},
            "store": {"type": "s3"},
        },
        notifications={},
    )
    assert [f"{change.action} {change.kind} {change.name}" for change in diff(before, after)] == [
        "update Service kept",
        "create Service store",
        "create App api",
        "replace App echo",
        "destroy App old",
        "update App web",
        "destroy Notification ops",
        "destroy Service gone",
    ]


def test_a_created_app_names_what_is_not_the_default() -> None:
    (change,) = diff(stage(), stage(apps={"web": {"resources": {"memory": 512}}}))
    assert change.fields == (FieldDelta(("resources", "memory"), 256, 512),)


def test_fields_are_compared_by_path() -> None:
    before = {"same": 1, "gone": {"x": 1}, "list": ["a"], "key.with.dots": {"deep": True}, "e": {}}
    after = {"same": 1, "list": ["a", "b"], "key.with.dots": {"deep": False}, "new": 0}
    assert deltas(before, after) == (
        FieldDelta(("e",), {}, None),
        FieldDelta(("gone", "x"), 1, None),
        FieldDelta(("key.with.dots", "deep"), True, False),
        FieldDelta(("list",), ["a"], ["a", "b"]),
        FieldDelta(("new",), None, 0),
    )
