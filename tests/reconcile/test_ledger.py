"""The ledger of a Stage: one record that only the operator writes, whatever else lies around."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import pytest

from setops.api import names
from setops.api.kinds import CONFIG_MAP, CONTROLLER_REVISION, NAMESPACE, Object
from setops.kube.cache import Cache
from setops.kube.client import Client
from setops.kube.cluster import Cluster
from setops.reconcile import ledger
from setops.reconcile.ledger import LedgerEntry
from tests.reconcile.samples import HOME, LABELS, SPACE, make, stage
from tests.reconcile.server import Server

LAND: Final = make(NAMESPACE, SPACE, labels=LABELS)
FIRST: Final = {"first": {"content": "abc", "revision": 1}}

ODD: Final[dict[str, Any]] = {
    "text": "hello",
    "nothing": "",
    "another number": 7,
    "a list": [],
    "half of it": {"content": "abc"},
    "no number": {"content": "abc", "revision": "x"},
    "null": None,
    "revision 0": {"content": "abc", "revision": 0},
    "nested": {"content": {"revision": 1}},
}


def record(number: int, entries: object, **content: Any) -> Object:
    """A ledger as the operator has written it."""
    owner = {"apiVersion": "v1", "kind": "Namespace", "name": SPACE, "uid": f"uid-of-{SPACE}"}
    return make(
        CONTROLLER_REVISION,
        content.pop("name", f"production-ledger-{number}"),
        SPACE,
        **{
            "labels": {names.LABEL_STAGE: "production"},
            "ownerReferences": [owner],
            "revision": number,
            "data": {"entries": entries},
            **content,
        },
    )


def cluster_of(server: Server) -> Cluster:
    """A cluster whose cache has what the server has."""
    cluster = Cluster(Client(server), Cache())
    for obj in [LAND, *server.objects.values()]:
        metadata = {**obj["metadata"], "resourceVersion": "5"}
        cluster.cache.put({**obj, "metadata": metadata})
    return cluster


def read(*objects: Object, before: int = 0) -> Any:
    return asyncio.run(ledger.read(cluster_of(Server(*objects)), stage(), before))


@pytest.mark.parametrize("item", ODD.values(), ids=ODD)
def test_an_entry_that_can_not_be_read_is_skipped(item: object) -> None:
    found = record(1, {**FIRST, "odd": item})
    assert read(found) == {"first": LedgerEntry("abc", 1)}


@pytest.mark.parametrize(
    "data",
    [None, {}, [], "text", {"entries": None}, {"entries": []}, {"entries": "x"}, {"spec": {}}],
    ids=str,
)
def test_a_record_without_entries_is_an_empty_one(data: object) -> None:
    assert read(record(1, {}, data=data)) == {}


def test_after_a_kill_between_two_writes_nothing_is_lost() -> None:
    more = {**FIRST, "second": {"content": "def", "revision": 2}}
    assert read(record(1, FIRST), record(2, more)).keys() == {"first", "second"}


def owners(**fields: str) -> list[Object]:
    whole = {"apiVersion": "v1", "kind": "Namespace", "name": SPACE, "uid": "u"}
    return [{**whole, **fields}]


FORGED: Final = {
    "owned by nobody": {"ownerReferences": []},
    "owned by a StatefulSet": {
        "ownerReferences": owners(
            apiVersion="apps/v1", kind="StatefulSet", name="production-ledger"
        )
    },
    "owned by the Stage": {
        "ownerReferences": owners(apiVersion="setops.co/v1alpha1", kind="Stage", name="production")
    },
    "owned by another namespace": {"ownerReferences": owners(name="other")},
    "owned by two": {"ownerReferences": [*owners(), *owners(name="other")]},
    "of another Stage": {"labels": {names.LABEL_STAGE: "staging"}},
    "without label": {"labels": {}},
    "under another name": {"name": "production-ledger-5d4f8c"},
    "of another number": {"revision": 7},
    "of number 0": {"revision": 0, "name": "production-ledger-0"},
    "of a negative number": {"revision": -1, "name": "production-ledger--1"},
    "of no number": {"revision": "1"},
}


@pytest.mark.parametrize("how", FORGED.values(), ids=FORGED)
def test_what_is_no_record_is_not_read(how: Object) -> None:
    assert read(record(1, FIRST, **how)) == {}


def config_map(**content: Any) -> Object:
    """The ledger of an earlier version."""
    owner = {"apiVersion": "setops.co/v1alpha1", "kind": "Stage", "name": "production"}
    made = make(
        CONFIG_MAP,
        "production-ledger",
        HOME,
        ownerReferences=[{**owner, "uid": content.pop("uid", "uid-of-production")}],
        data=content.pop("data", {"first": json.dumps(FIRST["first"])}),
    )
    writers = content.pop("writers", ["setops"])
    made["metadata"]["managedFields"] = [
        {"manager": writer, "fieldsV1": {"f:data": {}}} for writer in writers
    ]
    return made


@pytest.mark.parametrize(
    ("found", "before", "names_"),
    [
        pytest.param(config_map(), 9, {"first"}, id="the operator's"),
        pytest.param(config_map(), 0, set(), id="after all was carried over"),
        pytest.param(config_map(), 1, set(), id="a revision that is still there"),
        pytest.param(config_map(uid="another"), 9, set(), id="of an earlier Stage"),
        pytest.param(config_map(writers=["kubectl"]), 9, set(), id="somebody else's"),
        pytest.param(config_map(writers=["setops", "kubectl"]), 9, set(), id="edited"),
        pytest.param(config_map(writers=[]), 9, set(), id="of an unknown writer"),
        pytest.param(config_map(data={"first": "notjson"}), 9, set(), id="unreadable"),
        pytest.param(config_map(data={"first": "[" * 9999}), 9, set(), id="nested deep"),
        pytest.param(
            config_map(data={"a": "x", "b": json.dumps({"content": "c", "revision": 2})}), 9, {"b"},
            id="unreadable in part",
        ),
    ],
)  # fmt: skip
def test_the_earlier_versions_ledger_counts_if_the_operator_wrote_it(
    found: Object, before: int, names_: set[str]
) -> None:
    assert read(found, before=before).keys() == names_


def test_a_config_map_beside_the_record_is_ignored() -> None:
    forged = config_map(data={"victim": json.dumps({"content": "x", "revision": 1})})
    assert read(record(1, FIRST), forged, before=9) == {"first": LedgerEntry("abc", 1)}


LIMIT: Final = 1_500_000
"""Bytes that the API server stores."""


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
    assert sum(len(name) + len(text) + 8 for name, text in found.items()) < LIMIT
    assert list(found) == list(data)[-len(found) :]
    assert len(found) >= kept


def test_two_who_write_at_once_lose_nothing() -> None:
    server = Server(record(1, FIRST))
    cluster = cluster_of(server)

    async def both() -> None:
        added = [{name: LedgerEntry("x", number)} for number, name in enumerate("ab", 2)]
        await asyncio.gather(*(ledger.add(cluster, stage(), each) for each in added))

    asyncio.run(both())
    assert {*asyncio.run(ledger.read(cluster, stage()))} == {"first", "a", "b"}
