"""Changesets and definitions as large as they may be, and what is said of larger ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from setops.api.changeset import MAX_COMMANDS, ChangesetSpec
from setops.api.definition import StageDefinition, load
from setops.api.section import APPS, SECTIONS, Section
from setops.api.validation import problems_of
from setops.changes.diff import Action, apply, diff
from setops.changes.fold import Folded, fold
from setops.changes.merge import Merged, merge
from setops.changes.weight import MOST_OF_A_REVISION as MAX_BYTES
from setops.reconcile.revisions import TooLargeError, check_size
from tests.unit.changes.definitions import CONTEXT, stage

EMPTY = StageDefinition()
MAX_VALUE = 32_768
"""Most characters of a variable's value."""


def folded_by(commands: Sequence[str], base: StageDefinition = EMPTY) -> Folded:
    return fold(base, ChangesetSpec(commands=list(commands)), CONTEXT)


def size(definition: StageDefinition) -> int:
    return len(json.dumps(definition.to_json(), separators=(",", ":")).encode())


def _five_hundred() -> list[str]:
    """A whole Stage from nothing: a hundred Apps, five commands each."""
    commands = []
    for number in range(100):
        app = f"app-{number}"
        commands += [
            f"app:create {app}",
            f"--app {app} release:create nginx:{number}",
            f"--app {app} release:activate 1",
            f"--app {app} resource:set scale {number % 17}",
            f"--app {app} env:set NUMBER={number}",
        ]
    return commands


def test_five_hundred_commands_lead_where_they_say() -> None:
    commands = _five_hundred()
    assert len(commands) == 500
    folded = folded_by(commands)
    assert folded.problems == ()
    assert len(folded.definition.apps) == 100
    for number in range(100):
        app = folded.definition.apps[f"app-{number}"]
        assert app.running_image == f"nginx:{number}"
        assert app.resources.scale == number % 17
        assert {key: var.value for key, var in (app.env or {}).items()} == {"NUMBER": str(number)}


def test_the_order_of_commands_for_different_apps_does_not_count() -> None:
    commands = _five_hundred()
    by_step = [command for step in range(5) for command in commands[step::5]]
    assert folded_by(by_step).definition == folded_by(commands).definition


def test_five_hundred_commands_of_which_every_fifth_is_wrong() -> None:
    commands = _five_hundred()
    commands[3::5] = [f"--app app-{number} resource:set scale 17" for number in range(100)]
    folded = folded_by(commands)
    assert [problem.command for problem in folded.problems] == list(range(3, 500, 5))
    assert [problem.field for problem in folded.problems] == [
        f"apps.app-{number}.resources.scale" for number in range(100)
    ]
    assert {app.resources.scale for app in folded.definition.apps.values()} == {1}


def test_five_hundred_commands_of_two_users_are_merged() -> None:
    base = folded_by(_five_hundred()).definition
    ours = folded_by([f"--app app-{n} resource:set cpu 256" for n in range(100)], base).definition
    theirs = folded_by([f"--app app-{n} env:set B={n}" for n in range(100)], base).definition
    both = folded_by([f"--app app-{n} env:set B={n}" for n in range(100)], ours).definition
    assert merge(base, ours, theirs) == Merged(both)


def test_a_changeset_takes_a_thousand_commands() -> None:
    commands = [command for n in range(200) for command in _five_commands(n)]
    assert len(commands) == MAX_COMMANDS
    folded = folded_by(commands)
    assert folded.problems == ()
    changes = diff(EMPTY, folded.definition)
    assert Counter(change.action for change in changes) == {Action.CREATE: APPS.limit}
    assert apply(changes, EMPTY) == folded.definition
    assert folded_by(_undone(200), folded.definition).definition == EMPTY


def _five_commands(number: int) -> list[str]:
    app = f"app-{number}"
    return [
        f"app:create {app}",
        *(f"--app {app} env:set KEY_{key}={number}" for key in range(4)),
    ]


def _undone(apps: int) -> list[str]:
    return [f"app:destroy app-{number}" for number in range(apps)]


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        (
            {"commands": ["app:create web"] * (MAX_COMMANDS + 1)},
            "commands",
            "commands: it must have at most 1000 entries",
        ),
        (
            {"commands": ["app:create web", "x" * 65_537]},
            "commands.1",
            "commands.1: it must have at most 65536 characters",
        ),
    ],
    ids=["too many commands", "too long a command"],
)
def test_more_is_refused(spec: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ChangesetSpec.model_validate(spec)
    (problem,) = problems_of(refused.value, model=ChangesetSpec)
    assert (problem.field, problem.message) == (field, message)


@pytest.mark.parametrize("section", SECTIONS, ids=str)
def test_a_definition_with_too_many_of_a_kind_is_refused_one_by_one(section: Section) -> None:
    entry = {
        "apps": {},
        "services": {"type": "s3"},
        "notifications": {"type": "email", "target": "a@example.com"},
    }[section.name]
    limit = section.limit
    names = [f"name{number}" for number in range(limit + 2)]
    spec = ChangesetSpec(definition={section.name: dict.fromkeys(names, entry)})
    folded = fold(EMPTY, spec, CONTEXT)
    assert set(folded.definition.section(section)) == set(names[:limit])
    assert [problem.field for problem in folded.problems] == [section.name, section.name]
    messages = [problem.message for problem in folded.problems]
    assert [name for name in names if any(f"'{name}'" in message for message in messages)] == [
        names[-2],
        names[-1],
    ]


def _heavy(bytes_in_all: int) -> dict[str, Any]:
    """Apps with a large variable each, which together make a definition of exactly this size."""
    values = ["x" * 30_000] * (bytes_in_all // 31_000)
    left = bytes_in_all - size(stage(apps=_apps(values)))
    for number, value in enumerate(values):
        more = min(left, MAX_VALUE - len(value))
        values[number] += "x" * more
        left -= more
    return _apps(values)


def _apps(values: Sequence[str]) -> dict[str, Any]:
    return {f"heavy{n:03}": {"env": {"BULK": {"value": value}}} for n, value in enumerate(values)}


def test_a_definition_at_the_size_limit_is_carried_through() -> None:
    heavy = _heavy(MAX_BYTES)
    folded = fold(EMPTY, ChangesetSpec(definition={"apps": heavy}), CONTEXT)
    assert folded.problems == ()
    assert size(folded.definition) == MAX_BYTES
    check_size(folded.definition)
    assert load(json.loads(json.dumps(folded.definition.to_json()))) == folded.definition
    assert apply(diff(EMPTY, folded.definition), EMPTY) == folded.definition
    other = folded_by(["app:create other"]).definition
    assert merge(EMPTY, folded.definition, other).definition.apps.keys() == {*heavy, "other"}


def test_a_definition_above_the_size_limit_is_refused_plainly() -> None:
    folded = fold(EMPTY, ChangesetSpec(definition={"apps": _heavy(MAX_BYTES + 1)}), CONTEXT)
    with pytest.raises(TooLargeError) as refused:
        check_size(folded.definition)
    assert str(refused.value) == (
        f"the Stage's definition would have {MAX_BYTES + 1} bytes, the limit is {MAX_BYTES}; "
        "move large values into Secrets"
    )


def test_a_value_above_its_own_limit_is_refused_without_being_shown() -> None:
    value = "x" * (MAX_VALUE + 1)
    base = stage(apps={"web": {}})
    (problem,) = folded_by([f"--app web env:set BULK={value}"], base).problems
    assert (problem.field, problem.validator) == ("apps.web.env.BULK.value", "too_long")
    assert problem.message == "apps.web.env.BULK.value: it must have at most 32768 characters"
