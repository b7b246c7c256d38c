"""What the pages say of the repository is there: tests, files and other pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = ("security.md", "alerts.md", "restore.md", "aws-access.md", "architecture.md")
TESTS: Final = {each: each.read_text(encoding="utf-8") for each in ROOT.glob("tests/**/*.py")}

every_page = pytest.mark.parametrize("page", PAGES)


def text_of(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


@every_page
def test_tests_that_a_page_names_exist(page: str) -> None:
    for name in re.findall(r"`(?:[\w/]+/)?(test_\w+\.py)`", text_of(page)):
        assert any(each.name == name for each in TESTS), name
    for name in re.findall(r"`(test_\w+)`", text_of(page)):
        assert any(f"def {name}(" in each for each in TESTS.values()), name


@every_page
def test_files_that_a_page_names_exist(page: str) -> None:
    paths = re.findall(r"`((?:charts|tests|operator|docs|examples)/[\w./-]+)`", text_of(page))
    for path in paths:
        assert (ROOT / path).exists(), path


@every_page
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    for target, anchor in re.findall(r"\]\(([\w./-]+)(#[\w-]+)?\)", text_of(page)):
        found = ROOT / "docs" / target
        assert found.exists(), target
        heads = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
        anchors = {"#" + re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in heads}
        assert not anchor or anchor in anchors, anchor


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_linked(page: str) -> None:
    linking = (ROOT / "README.md").read_text(encoding="utf-8") + text_of("architecture.md")
    assert f"{page})" in linking
