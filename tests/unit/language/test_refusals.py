"""What a wrong command says: code, validator, field and message, all of it exact."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from setops.api.definition import MAX_APPS, StageDefinition, load
from setops.api.errors import Code, ProblemsError, Validator
from setops.language.command import Context
from setops.language.parse import parse
from setops.language.run import run

CONTEXT = Context("acme", "shop", "production")
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


def test_the_table_is_long_enough_to_be_worth_its_name() -> None:
    assert len(ROWS) >= 100


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


def test_a_stage_that_is_full_takes_no_more() -> None:
    full = load({"apps": {f"app{number}": {} for number in range(MAX_APPS)}})
    assert refusals("app:create one-more", full) == [
        (
            Code.VALIDATION_FAILED,
            Validator.TOO_LONG,
            "apps",
            f"apps: it must have at most {MAX_APPS} entries",
        )
    ]
