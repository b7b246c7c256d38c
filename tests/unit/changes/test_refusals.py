"""What a wrong Changeset says: command, code, validator, field and message, all of it exact."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from setops.api.changeset import ChangesetSpec
from setops.changes.fold import fold
from tests.unit.changes.definitions import CONTEXT, stage

BASE: Final = stage(
    apps={
        "web": {
            "image": "nginx:1",
            "env": {"A": {"value": "1", "description": "one"}},
            "links": {"store": {"envKey": "STORE_URL"}},
        },
        "api": {"releases": {"1": {"image": "api:1"}}, "activeRelease": 1},
        "echo": {"network": {"protocol": "tcp"}},
    },
    services={
        "store": {"type": "s3"},
        "files": {"type": "volume"},
        "data": {"type": "postgresql", "version": "15", "options": {"minStorage": 40}},
    },
    notifications={"ops": {"type": "email", "target": "ops@example.com"}},
)
TABLE: Final = (Path(__file__).parent / "refusals.txt").read_text(encoding="utf-8")


@dataclass
class Row:
    """A Changeset of the table, and what is wrong with it."""

    why: str
    definition: dict[str, Any] | None = None
    prune: bool = False
    commands: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def _rows() -> list[Row]:
    rows = []
    for block in TABLE.strip("\n").split("\n\n")[1:]:
        why, *lines = block.split("\n")
        row = Row(why.removeprefix("# "))
        for line in lines:
            word, _, rest = line.partition(" ")
            if word in ("definition:", "whole:"):
                row.definition, row.prune = json.loads(rest), word == "whole:"
            elif word == "$":
                row.commands.append(rest)
            else:
                row.problems.append(line)
        rows.append(row)
    return rows


ROWS: Final = _rows()


def refusals(row: Row) -> list[str]:
    """All problems of a Changeset as the table writes them."""
    spec = ChangesetSpec(definition=row.definition, prune=row.prune, commands=row.commands or None)
    told = []
    for problem in fold(BASE, spec, CONTEXT).problems:
        place = "definition" if problem.command is None else f"commands[{problem.command}]"
        told.append(f"{place} {problem.code} {problem.validator} {problem.field}".rstrip())
        told.append(f"  {problem.message}")
    return told


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.why)
def test_a_wrong_changeset_is_refused(row: Row) -> None:
    before = BASE.model_copy(deep=True)
    assert refusals(row) == row.problems
    assert before == BASE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.why)
def test_messages_are_for_people(row: Row) -> None:
    jargon = ("Input should", "pydantic", "<class", "None", "{", "^", " dict", "regex", "  ")
    for message in row.problems[1::2]:
        assert not any(word in message.removeprefix("  ") for word in jargon)
        assert len(message) < 260


def test_the_table_is_long_enough_to_be_worth_its_name() -> None:
    assert len(ROWS) >= 100
    assert all(row.problems for row in ROWS)
    assert len({row.why for row in ROWS}) == len(ROWS)
