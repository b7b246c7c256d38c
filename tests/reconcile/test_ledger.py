"""The ledger of a Stage: it fits into one ConfigMap, whatever somebody has written into it."""

from __future__ import annotations

import asyncio
import json
from typing import Final

import pytest

from setops.api.kinds import CONFIG_MAP, Object
from setops.kube.cache import Cache
from setops.kube.client import Client
from setops.kube.cluster import Cluster
from setops.reconcile import ledger
from setops.reconcile.ledger import LedgerEntry
from tests.reconcile.samples import HOME, make, stage
from tests.reconcile.server import Server

OURS: Final = {"first": json.dumps({"content": "abc", "revision": 1})}

FOREIGN: Final = {
    "text": "hello",
    "nothing": "",
    "another number": "7",
    "a list": "[]",
    "half of it": '{"content": "abc"}',
    "no number": '{"content": "abc", "revision": "x"}',
    "null": "null",
    "JSON that is cut off": '{"content": "abc", "rev',
}


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_what_is_not_ours_is_skipped_and_goes_with_the_next_entry(text: str) -> None:
    found: Object = make(CONFIG_MAP, "production-ledger", HOME, data={**OURS, "odd": text})
    server = Server(found)
    cluster = Cluster(Client(server), Cache())
    assert asyncio.run(ledger.read(cluster, stage())) == {"first": LedgerEntry("abc", 1)}
    asyncio.run(ledger.add(cluster, stage(), {"second": LedgerEntry("def", 2)}))
    (kept,) = server.objects.values()
    assert asyncio.run(ledger.read(cluster, stage())).keys() == {"first", "second"}
    assert kept["data"].keys() == {"first", "second"}


LIMIT: Final = 1024 * 1024
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
