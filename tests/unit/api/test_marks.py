"""Every label, annotation and finalizer of ours has a row that says who may write it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from setops.api.kinds import GROUP

ROOT: Final = Path(__file__).resolve().parents[3]
SOURCES: Final = tuple((ROOT / "operator" / "setops").rglob("*.py"))
_MARK: Final = re.compile(
    r'^(?:LABEL|ANNOTATION|FINALIZER)\w*: Final = f"\{GROUP\}/([a-z-]+)"', re.M
)
_ROW: Final = re.compile(rf"`{re.escape(GROUP)}/([a-z-]+)`")

MARKS: Final = sorted({m for path in SOURCES for m in _MARK.findall(path.read_text())})


def rows() -> set[str]:
    """The marks that the table names."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = text.partition("## Marks")[2].partition("\n## ")[0]
    return {
        mark
        for line in table.splitlines()
        if line.startswith("| `")
        for mark in _ROW.findall(line.split("|")[1])
    }


def test_there_are_marks() -> None:
    assert {"project", "paused", "operator", "desired", "changeset-uid"} <= set(MARKS)


@pytest.mark.parametrize("mark", MARKS)
def test_every_mark_has_its_row(mark: str) -> None:
    assert mark in rows()


def test_the_table_names_no_mark_that_is_gone() -> None:
    assert rows() == set(MARKS)


def test_no_mark_of_ours_is_written_without_a_constant() -> None:
    """Otherwise a new one could escape the table."""
    for path in SOURCES:
        for found in re.findall(rf'"{re.escape(GROUP)}/([a-z-]+)"', path.read_text()):
            assert found in MARKS, (path.name, found)
