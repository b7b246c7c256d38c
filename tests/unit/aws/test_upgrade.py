"""What an instance's tag says about the upgrade that AWS was asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from setops.aws.parts.db_version import Upgrade

AT: Final = datetime(2026, 11, 26, 0, 30, 5, tzinfo=UTC)
UPGRADE: Final = Upgrade("16.10", "15.4", AT)


def test_it_comes_back_from_its_text() -> None:
    text = "16.10 from 15.4 at 2026-11-26T00:30:05+00:00"
    assert str(UPGRADE) == text
    assert Upgrade.parse(text) == UPGRADE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        "16.10 from 15.4",
        "16.10 from 15.4 at noon",
        "16.10 from 15.4 at 2026-11-26T00:30:05",
        "new from old at 2026-11-26T00:30:05+00:00",
    ],
)
def test_other_texts_tell_nothing(text: str) -> None:
    assert Upgrade.parse(text) is None


@pytest.mark.parametrize(
    ("minutes", "waits", "refuses"),
    [
        (-1, False, False),
        (0, True, False),
        (9, True, False),
        (10, False, True),
        (59, False, True),
        (60, False, False),
    ],
)
def test_it_waits_for_the_begin_then_refuses_and_then_asks_again(
    minutes: int, waits: bool, refuses: bool
) -> None:
    now = AT + timedelta(minutes=minutes)
    assert bool(UPGRADE.later("15.4", "16", now)) is waits
    refusal = UPGRADE.refusal("15.4", "16", now)
    assert bool(refusal) is refuses
    if refuses:
        assert "asked at 00:30 UTC to upgrade it from version 15.4 to 16.10" in refusal
        assert "asked again at 01:30 UTC; to ask at once, set version back to 15 first" in refusal


@pytest.mark.parametrize(("there", "wanted"), [("15.5", "16"), ("15.4", "17"), ("15.4", "16.11")])
def test_it_holds_up_no_other_upgrade(there: str, wanted: str) -> None:
    for minutes in (1, 30):
        now = AT + timedelta(minutes=minutes)
        assert not UPGRADE.later(there, wanted, now)
        assert not UPGRADE.refusal(there, wanted, now)
