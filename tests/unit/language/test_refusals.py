"""What a wrong command says: code, validator, field and message, all of it exact."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from setops.api.definition import StageDefinition, load
from setops.api.errors import Code, ProblemsError, Validator
from setops.api.section import APPS, NOTIFICATIONS, SERVICES, Section
from setops.language.command import CommandContext
from setops.language.parse import parse
from setops.language.run import run
from setops.language.table import COMMANDS

CONTEXT = CommandContext("acme", "shop", "production")
BASE: Final = load(
    {
        "apps": {
            "web": {
                "releases": {"1": {"image": "nginx:1"}, "2": {"image": "nginx:2"}},
                "activeRelease": 2,
                "env": {"RAILS_ENV": {"value": "test"}},
                "links": {"store": {"envKey": "STORE_URL"}},
                "domains": {"example.com": {"primary": True}},
                "network": {"healthCheck": {"path": "/up"}},
            },
            "echo": {"network": {"protocol": "tcp"}},
        },
        "services": {"store": {"type": "s3"}, "old": {"type": "redis"}},
        "notifications": {"ops": {"type": "email", "target": "ops@example.com"}},
    }
)


def refusals(line: str, definition: StageDefinition = BASE) -> list[tuple[str, str, str, str]]:
    """All problems of a line as (code, validator, field, message)."""
    before = definition.model_copy(deep=True)
    with pytest.raises(ProblemsError) as refused:
        run(definition, parse(line), CONTEXT)
    assert definition == before
    return [
        (problem.code.value, problem.validator.value, problem.field, problem.message)
        for problem in refused.value.problems
    ]


TABLE: Final = (Path(__file__).parent / "refusals.txt").read_text(encoding="utf-8")


def _rows() -> list[tuple[str, list[tuple[str, str, str, str]]]]:
    """The table as (line, problems)."""
    rows = []
    for block in TABLE.split("\n$ ")[1:]:
        line, *described = block.rstrip("\n").split("\n")
        problems = []
        for head, message in zip(described[::2], described[1::2], strict=True):
            code, validator, *field = head.split(" ", 2)
            problems.append((code, validator, "".join(field), message.removeprefix("  ")))
        rows.append((line, problems))
    return rows


ROWS: Final = _rows()


@pytest.mark.parametrize(("line", "problems"), ROWS, ids=[line for line, _ in ROWS])
def test_a_wrong_line_is_refused(line: str, problems: list[tuple[str, str, str, str]]) -> None:
    assert refusals(line) == problems


@pytest.mark.parametrize("key", COMMANDS)
def test_every_command_is_refused_somewhere_in_the_table(key: str) -> None:
    assert any(set(key.split()) <= set(line.split()) for line, _ in ROWS)


def test_every_validator_is_in_the_table() -> None:
    found = {validator for _, problems in ROWS for _, validator, *_ in problems}
    never = {Validator.GREATER_THAN, Validator.LESS_THAN}  # all bounds are inclusive
    assert found == {*Validator} - never


def test_the_table_is_long_enough_to_be_worth_its_name() -> None:
    assert len(ROWS) >= 250


@pytest.mark.parametrize(("line", "problems"), ROWS, ids=[line for line, _ in ROWS])
def test_messages_are_for_people(line: str, problems: list[tuple[str, str, str, str]]) -> None:
    jargon = ("Input should", "pydantic", "<class", "None", "{", "^", " dict", "regex", "  ")
    for *_, message in problems:
        assert not any(word in message for word in jargon), line
        assert len(message) < 260


def test_each_bad_value_of_a_line_is_told() -> None:
    line = "--app web container:set health-check --interval 99 --retries 0 --timeout 31 -- true"
    assert [field for _, _, field, _ in refusals(line)] == [
        "apps.web.container.healthCheck.interval",
        "apps.web.container.healthCheck.timeout",
        "apps.web.container.healthCheck.retries",
    ]


def test_a_line_has_room_for_more_bad_keys_than_are_worth_reading() -> None:
    keys = [f"{number}X" for number in range(10_000)]
    problems = refusals(f"--app web env:set {' '.join(keys)}")
    assert [field for _, _, field, _ in problems[:-1]] == [f"apps.web.env.{n}X" for n in range(20)]
    assert problems[-1] == (
        "ValidationFailed",
        "invalid_format",
        "apps.web.env",
        "9980 more keys of this line can't be set either; correct these first",
    )


def test_the_same_bad_key_is_told_once() -> None:
    assert len(refusals("--app web env:set 1A=1 1A=2 1A")) == 1


@pytest.mark.parametrize(
    ("line", "section"),
    [
        ("app:create one-more", APPS),
        ("service:create one-more --type s3", SERVICES),
        (
            "notification:create one-more --type email --target a@example.com",
            NOTIFICATIONS,
        ),
    ],
)
def test_a_stage_that_is_full_takes_no_more(line: str, section: Section) -> None:
    entry = {
        "apps": {},
        "services": {"type": "s3"},
        "notifications": {"type": "email", "target": "a@example.com"},
    }[section.name]
    limit = section.limit
    full = load({section.name: {f"name{number}": entry for number in range(limit)}})
    message = (
        f"a Stage has at most {limit} {section.kind}s, so 'one-more' is one too many; "
        "destroy one that isn't needed any more, or use another Stage"
    )
    assert refusals(line, full) == [
        (Code.VALIDATION_FAILED, Validator.TOO_LONG, section.name, message)
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "app:destroy web",
            "App 'web' doesn't exist; the Stage has none; create one: app:create NAME",
        ),
        (
            "service:destroy store",
            "Service 'store' doesn't exist; the Stage has none; "
            "create one: service:create NAME --type TYPE",
        ),
        (
            "notification:destroy ops",
            "Notification 'ops' doesn't exist; the Stage has none; "
            "create one: notification:create NAME --type TYPE --target TARGET",
        ),
    ],
)
def test_an_empty_stage_says_how_to_begin(line: str, message: str) -> None:
    assert [told for *_, told in refusals(line, StageDefinition())] == [message]


def test_the_nearest_name_is_found_among_many() -> None:
    env = {f"SOME_VARIABLE_{number}": {"value": ""} for number in range(999)}
    many = load({"apps": {"web": {"env": {**env, "RAILS_ENV": {"value": "test"}}}}})
    assert [told for *_, told in refusals("--app web env:unset RAILS_ENF", many)] == [
        "App 'web' has no variable 'RAILS_ENF'; did you mean 'RAILS_ENV'?"
    ]
    assert [told for *_, told in refusals("--app web env:unset OTHER", many)] == [
        "App 'web' has no variable 'OTHER'; there are: RAILS_ENV, "
        + ", ".join(
            f"SOME_VARIABLE_{number}" for number in (0, 1, 10, 100, 101, 102, 103, 104, 105)
        )
        + " and 990 more"
    ]


def test_of_many_releases_the_last_are_named() -> None:
    releases = {str(number): {"image": "nginx"} for number in range(1, 13)}
    web = load({"apps": {"web": {"releases": releases}}})
    assert [told for *_, told in refusals("--app web release:activate 13", web)] == [
        "App 'web' has no release 13; its last ones are 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"
    ]
