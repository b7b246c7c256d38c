"""The ledger fits into one ConfigMap, however long the names are."""

from __future__ import annotations

import pytest

from setops.reconcile import ledger

LIMIT = 1024 * 1024
"""Bytes that a ConfigMap holds."""


@pytest.mark.parametrize(
    ("length", "kept"),
    [pytest.param(20, 4000, id="short names"), pytest.param(253, 2700, id="the longest names")],
)
def test_the_newest_entries_that_fit_are_kept(length: int, kept: int) -> None:
    data = {
        f"{number:05}".rjust(length, "a"): ledger._written(ledger.LedgerEntry("f" * 64, number))
        for number in range(ledger.MAX_ENTRIES)
    }
    found = ledger._that_fit(data)
    assert sum(len(name) + len(text) for name, text in found.items()) < LIMIT
    assert list(found) == list(data)[-len(found) :]
    assert len(found) >= kept
