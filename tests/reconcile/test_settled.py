"""When an object's children need not be looked at."""

from __future__ import annotations

from typing import Any

import pytest

from setops.api.kinds import DEPLOYMENT, SERVICE_ACCOUNT, Object, key_of
from tests.reconcile.samples import SPACE, World, app, make, owned_by


def deployment(**content: Any) -> Object:
    spec = {"spec": {"replicas": 1}}
    return make(DEPLOYMENT, "web", SPACE, ownerReferences=owned_by(app("web")), **(spec | content))


def account() -> Object:
    return make(SERVICE_ACCOUNT, "app-web", SPACE, ownerReferences=owned_by(app("web")))


def settled() -> World:
    """`web` with two children, all found in order."""
    here = World(app("web"), deployment(), account())
    for child in (deployment(), account()):
        here.cluster.cache.settle(key_of(child), f"stamp of {child['kind']}")
    here.cluster.mark_in_sync(app("web"), "inputs")
    assert here.cluster.is_in_sync(app("web"), "inputs")
    return here


def test_statuses_change_nothing() -> None:
    here = settled()
    here.put(app("web", status={"replicas": 3}))
    here.put(deployment(status={"replicas": 3}))
    assert here.cluster.is_in_sync(app("web"), "inputs")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(deployment(spec={"replicas": 5}), id="somebody edits a child"),
        pytest.param(deployment(labels={"a": "b"}), id="somebody labels a child"),
        pytest.param(deployment(deletionTimestamp="2026-01-01T00:00:00Z"), id="a child is going"),
        pytest.param(
            make(DEPLOYMENT, "more", SPACE, ownerReferences=owned_by(app("web"))),
            id="a child comes that nobody wants",
        ),
    ],
)
def test_a_child_that_changes_is_looked_at(change: Object) -> None:
    here = settled()
    here.put(change)
    assert not here.cluster.is_in_sync(app("web"), "inputs")


def test_a_child_that_is_gone_is_looked_at() -> None:
    here = settled()
    here.drop(key_of(account()))
    assert not here.cluster.is_in_sync(app("web"), "inputs")


def test_other_inputs_are_looked_at() -> None:
    assert not settled().cluster.is_in_sync(app("web"), "other inputs")


def test_a_spec_that_came_while_the_children_were_written_is_looked_at() -> None:
    here = settled()
    newer = app("web", spec={"image": "a"}, generation=2)
    here.put(newer)
    here.cluster.mark_in_sync(app("web"), "inputs")
    assert not here.cluster.is_in_sync(newer, "inputs")


def test_nothing_is_settled_while_a_child_is_not() -> None:
    here = settled()
    here.put(deployment(spec={"replicas": 5}))
    here.cluster.mark_in_sync(app("web"), "inputs")
    assert not here.cluster.is_in_sync(app("web"), "inputs")
