"""What counts for a scope: the line, then the environment, then the directory's default."""

from __future__ import annotations

from pathlib import Path

import pytest

from setops.api.errors import ProblemsError
from setops.cli.base import scope
from setops.cli.base.scope import LineScope
from setops.language.command import Level

P, S = Level.PROJECT, Level.STAGE


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in scope.VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_line_counts_before_the_environment_before_the_directory(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LineScope().get(P) is None
    scope.write(directory / scope.FILE, {P: "third", S: "live"})
    assert (LineScope().get(P), LineScope().get(S)) == ("third", "live")
    monkeypatch.setenv("SETOPS_PROJECT", "second")
    assert LineScope().get(P) == "second"
    assert LineScope({P: "first"}).get(P) == "first"


def test_a_default_stage_belongs_to_its_project(directory: Path) -> None:
    scope.write(directory / scope.FILE, {P: "shop", S: "live"})
    assert LineScope({P: "blog"}).get(S) is None, "another Project's Stage of that name isn't meant"
    assert LineScope({S: "test"}).get(P) == "shop"


def test_a_stage_without_a_project_of_its_own_goes_with_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SETOPS_STAGE", "live")
    assert LineScope({P: "blog"}).get(S) == "live"
    monkeypatch.setenv("SETOPS_PROJECT", "blog")
    assert LineScope({P: "blog"}).get(S) == "live", "the same Project"
    monkeypatch.setenv("SETOPS_PROJECT", "shop")
    assert LineScope({P: "blog"}).get(S) is None


def test_the_default_holds_in_the_directories_below(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope.write(directory / scope.FILE, {P: "shop"})
    below = directory / "src" / "app"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert LineScope().get(P) == "shop"


@pytest.mark.parametrize("text", ["project", "prject: shop", "project:", "\x00: x"])
def test_a_broken_default_is_told_with_its_line(directory: Path, text: str) -> None:
    (directory / scope.FILE).write_text(f"# our own\n{text}\n")
    with pytest.raises(ProblemsError, match="line 2"):
        LineScope().get(P)


def test_bytes_that_are_no_text_are_told(directory: Path) -> None:
    (directory / scope.FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(ProblemsError, match="isn't UTF-8"):
        LineScope().get(P)
