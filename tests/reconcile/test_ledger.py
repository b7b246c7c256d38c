"""The ledger of a Stage, whatever somebody has written into it by hand."""

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
