"""What is noted of a version that a rollback has put back, and what that covers."""

from __future__ import annotations

import pytest

from setops.api.put_back import PutBack


@pytest.mark.parametrize(
    ("version", "taken", "text"),
    [
        pytest.param("15", "16", "15 from 16", id="an upgrade"),
        pytest.param("15.x", "16.4", "15.x from 16.4", id="an upgrade, in more words"),
        pytest.param("15", "15.4", None, id="a minor version, which AWS changes by itself"),
        pytest.param("15", None, None, id="the commit only unset it: AWS did nothing"),
        pytest.param(None, "16", None, id="any version is as wanted again"),
        pytest.param("16", "15", None, id="the other way round"),
    ],
)
def test_what_is_noted(version: str | None, taken: str | None, text: str | None) -> None:
    noted = PutBack.of(version, taken)
    assert (str(noted) if noted else None) == text
    if noted:
        assert PutBack.parse(str(noted)) == noted


@pytest.mark.parametrize("text", ["15", "", "15 from", "16 from 15", "a from b", "15 from 16 from"])
def test_what_says_nothing(text: str) -> None:
    assert PutBack.parse(text) is None


@pytest.mark.parametrize(
    ("actual", "covered"),
    [("12.1", False), ("13.9", False), ("14.1", True), ("15.4", True), ("16.1", False)],
)
def test_what_it_covers(actual: str, *, covered: bool) -> None:
    assert PutBack("13", "15.2").covers(actual) == covered
