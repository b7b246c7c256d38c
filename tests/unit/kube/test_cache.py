"""The newest state wins, whatever the order in which states come."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setops.api.kinds import APP, DEPLOYMENT, POD, SECRET, Key, Kind, Object
from setops.kube.cache import Cache, ObjectChange


def make(kind: Kind, name: str, version: int, namespace: str = "ns", **content: object) -> Object:
    metadata = {"name": name, "namespace": namespace, "resourceVersion": str(version)}
    head = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
    return {**head, **content}


def owned(kind: Kind, name: str, version: int, owner: str) -> Object:
    made = make(kind, name, version)
    made["metadata"]["ownerReferences"] = [{"uid": owner, "kind": "App", "name": "x"}]
    return made


@pytest.mark.parametrize("kind", [APP, DEPLOYMENT], ids=str)
def test_an_older_state_is_ignored(kind: Kind) -> None:
    cache = Cache()
    assert cache.put(make(kind, "web", 10, spec={"replicas": 2}))
    assert not cache.put(make(kind, "web", 9, spec={"replicas": 1}))
    assert not cache.put(make(kind, "web", 10, spec={"replicas": 1}))
    found = cache.get(Key(kind, "ns", "web"))
    assert found == make(kind, "web", 10, spec={"replicas": 2})


@pytest.mark.parametrize("kind", [APP, DEPLOYMENT], ids=str)
def test_versions_are_numbers(kind: Kind) -> None:
    cache = Cache()
    cache.put(make(kind, "web", 9))
    assert cache.put(make(kind, "web", 10, spec={}))


@pytest.mark.parametrize("kind", [APP, DEPLOYMENT], ids=str)
def test_a_new_version_alone_is_no_change(kind: Kind) -> None:
    told: list[ObjectChange] = []
    cache = Cache(told.append)
    cache.put(make(kind, "web", 1, spec={"replicas": 1}))
    assert not cache.put(make(kind, "web", 2, spec={"replicas": 1}))
    assert len(told) == 1
    found = cache.get(Key(kind, "ns", "web"))
    assert found is not None
    assert found["metadata"]["resourceVersion"] == "2", "the next write must carry it"


def test_a_late_answer_does_not_revive_what_was_deleted() -> None:
    cache = Cache()
    key = Key(DEPLOYMENT, "ns", "web")
    cache.put(make(DEPLOYMENT, "web", 5))
    assert cache.drop(key, 7)
    assert not cache.put(make(DEPLOYMENT, "web", 6))
    assert cache.get(key) is None
    assert cache.put(make(DEPLOYMENT, "web", 8)), "made anew under the same name"


def test_an_old_deletion_does_not_drop_what_was_made_anew() -> None:
    cache = Cache()
    key = Key(DEPLOYMENT, "ns", "web")
    cache.put(make(DEPLOYMENT, "web", 8))
    assert not cache.drop(key, 7)
    assert cache.get(key) is not None


def test_a_listing_drops_what_vanished_and_keeps_what_is_newer() -> None:
    told: list[ObjectChange] = []
    cache = Cache(told.append)
    for name, version in (("kept", 3), ("vanished", 4), ("newer", 11)):
        cache.put(make(DEPLOYMENT, name, version))
    told.clear()
    gone = cache.retain(DEPLOYMENT, [Key(DEPLOYMENT, "ns", "kept")], 10)
    assert [key.name for key in gone] == ["vanished"]
    assert [(change.key.name, change.new) for change in told] == [("vanished", None)]
    assert {key.name for key in cache.keys(DEPLOYMENT)} == {"kept", "newer"}


def test_children_are_found_by_their_owner() -> None:
    cache = Cache()
    cache.put(owned(DEPLOYMENT, "a", 1, "u-1"))
    cache.put(owned(POD, "b", 1, "u-1"))
    cache.put(owned(DEPLOYMENT, "c", 1, "u-2"))
    assert [obj["metadata"]["name"] for obj in cache.owned_by("u-1")] == ["a", "b"]
    cache.put(owned(DEPLOYMENT, "a", 2, "u-2"))
    assert [obj["metadata"]["name"] for obj in cache.owned_by("u-1")] == ["b"]
    cache.drop(Key(POD, "ns", "b"))
    assert cache.owned_by("u-1") == ()


def test_lists_are_by_namespace() -> None:
    cache = Cache()
    cache.put(make(APP, "a", 1, namespace="one"))
    cache.put(make(APP, "b", 1, namespace="two"))
    assert [obj["metadata"]["name"] for obj in cache.list(APP, "one")] == ["a"]
    assert len(cache.list(APP)) == 2
    assert cache.list(APP, "three") == ()
    assert cache.counts() == {APP: 2}


def test_a_mark_lasts_until_the_next_change() -> None:
    cache = Cache()
    key = Key(DEPLOYMENT, "ns", "web")
    cache.put(make(DEPLOYMENT, "web", 1, spec={}))
    cache.mark(key, "mark")
    cache.put(make(DEPLOYMENT, "web", 2, spec={}))
    assert cache.mark_of(key) == "mark", "only the version is new"
    cache.put(make(DEPLOYMENT, "web", 3, spec={"replicas": 1}))
    assert cache.mark_of(key) == ""


def test_a_reader_cannot_spoil_a_child() -> None:
    cache = Cache()
    key = Key(DEPLOYMENT, "ns", "web")
    cache.put(make(DEPLOYMENT, "web", 1, spec={"replicas": 1}))
    first = cache.get(key)
    assert first is not None
    first["spec"]["replicas"] = 5
    assert cache.get(key) == make(DEPLOYMENT, "web", 1, spec={"replicas": 1})


def test_no_value_of_a_secret_is_kept() -> None:
    cache = Cache()
    cache.put(make(SECRET, "store", 1, data={"password": "aHVudGVyMg=="}))
    found = cache.get(Key(SECRET, "ns", "store"))
    assert found is not None
    assert list(found["data"]) == ["password"]
    assert "aHVudGVyMg==" not in json.dumps(found)


@given(
    st.permutations(range(6)).flatmap(
        lambda order: st.tuples(st.just(order), st.lists(st.booleans(), min_size=6, max_size=6))
    )
)
def test_any_order_ends_in_the_newest_state(case: tuple[list[int], list[bool]]) -> None:
    """States of one object, some of them deletions, come in any order and any of them twice."""
    order, deleted = case
    cache = Cache()
    for version in itertools.chain(order, reversed(order)):
        if deleted[version]:
            cache.drop(Key(DEPLOYMENT, "ns", "web"), version + 1)
        else:
            cache.put(make(DEPLOYMENT, "web", version + 1, spec={"replicas": version}))
    found = cache.get(Key(DEPLOYMENT, "ns", "web"))
    if deleted[5]:
        assert found is None
    else:
        assert found == make(DEPLOYMENT, "web", 6, spec={"replicas": 5})
