"""What is noted of a version that a rollback has put back, and what that covers."""

from __future__ import annotations

import pytest

from setops.api.put_back import PutBack


@pytest.mark.parametrize(
    ("version", "taken", "noted"),
    [
        pytest.param("15", "16", True, id="an upgrade"),
        pytest.param("15.x", "16.4", True, id="an upgrade, in more words"),
        pytest.param("15", "15.4", False, id="a minor version, which AWS changes by itself"),
        pytest.param("15", None, False, id="the commit only unset it: AWS did nothing"),
        pytest.param(None, "16", False, id="any version is as wanted again"),
        pytest.param("16", "15", False, id="the other way round"),
        pytest.param("a", "b", False, id="no versions"),
    ],
)
def test_what_is_noted(version: str | None, taken: str | None, *, noted: bool) -> None:
    found = PutBack.of(version, taken)
    assert found == (PutBack(version or "", taken or "") if noted else None)


@pytest.mark.parametrize(
    ("actual", "covered"),
    [("12.1", False), ("13.9", False), ("14.1", True), ("15.4", True), ("16.1", False)],
)
def test_what_it_covers(actual: str, *, covered: bool) -> None:
    assert PutBack("13", "15.2").covers(actual) == covered
