"""A plan says that containers restart if and only if their pods change; so for start and stop."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import pytest

from setops.api.app import AppSpec
from setops.api.changeset import ChangesetSpec
from setops.changes.diff import diff
from setops.changes.effects import (
    REPLACES,
    RESTARTS,
    STARTS,
    STARTS_OR_RESTARTS,
    STOPS,
    effect,
    missing_services,
)
from setops.changes.notes import notes_of
from tests.app_pairs import SERVICES, pairs
from tests.unit.changes.definitions import stage
from tests.unit.changes.rollouts import what_happens

SEED: Final = 20261126
PAIRS: Final = 2000


def said(before: dict[str, Any] | None, after: dict[str, Any] | None) -> str:
    """What the plan says of the App's containers; empty if nothing."""
    services = {name: {"type": "s3"} for name in SERVICES}
    ends = (
        stage(apps={"web": spec} if spec is not None else {}, services=services)
        for spec in (before, after)
    )
    changes = diff(*ends)
    return (effect(changes[0]) or "") if changes else ""


def test_a_rollout_is_announced_if_and_only_if_pods_change() -> None:
    seen: Counter[str] = Counter()
    for before, after in pairs(SEED, PAIRS):
        old, new = AppSpec.model_validate(before), AppSpec.model_validate(after)
        words, happens = said(before, after), what_happens(old, new) or ""
        replaced = old.network.protocol != new.network.protocol
        seen["replaced" if replaced else happens] += 1
        if not replaced:
            assert words == happens, (before, after)
        else:
            assert words.startswith(REPLACES), (before, after)
            tail = "; it is down in between" if happens not in ("", STARTS, STOPS) else happens
            assert words.removeprefix(REPLACES).removeprefix("; ") == tail.removeprefix("; ")
    assert sum(seen.values()) == PAIRS
    assert min(seen[kind] for kind in ("", "replaced", RESTARTS, STARTS, STOPS)) > PAIRS / 100


RUNS: Final[dict[str, Any]] = {"image": "nginx:1"}
ASLEEP: Final = {**RUNS, "resources": {"scale": 0}}
EMPTY: Final[dict[str, Any]] = {}
TCP: Final = {"network": {"protocol": "tcp"}}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        pytest.param(RUNS, None, STOPS, id="destroyed while it runs"),
        pytest.param(ASLEEP, None, "", id="destroyed at scale 0"),
        pytest.param(EMPTY, None, "", id="destroyed without an image"),
        pytest.param(None, RUNS, "", id="created"),
        pytest.param(None, ASLEEP, "runs nothing while its scale is 0", id="created at scale 0"),
        pytest.param(
            None, EMPTY, "runs nothing until a release is activated", id="created without an image"
        ),
        pytest.param(
            RUNS, {**RUNS, **TCP}, f"{REPLACES}; it is down in between", id="replaced while it runs"
        ),
        pytest.param(ASLEEP, {**ASLEEP, **TCP}, REPLACES, id="replaced at scale 0"),
        pytest.param(EMPTY, TCP, REPLACES, id="replaced without an image"),
        pytest.param(EMPTY, {**RUNS, **TCP}, f"{REPLACES}; {STARTS}", id="replaced and started"),
        pytest.param(RUNS, {**ASLEEP, **TCP}, f"{REPLACES}; {STOPS}", id="replaced and stopped"),
    ],
)
def test_what_is_said_beside_rollouts(
    before: dict[str, Any] | None, after: dict[str, Any] | None, words: str
) -> None:
    assert said(before, after) == words


LINKED: Final[dict[str, Any]] = {**RUNS, "links": {"db": {"envKey": "DB_URL"}}}
TWICE: Final = {**RUNS, "links": {**LINKED["links"], "store": {"envKey": "STORE_URL"}}}
STORE: Final = {"store": {"type": "s3"}}
DB: Final = {"db": {"type": "s3"}}


@pytest.mark.parametrize(
    ("app", "before", "after", "waits_for"),
    [
        pytest.param(LINKED, {}, DB, "db", id="what it waits for is created"),
        pytest.param(TWICE, {}, {**DB, **STORE}, "db, store", id="both are"),
        pytest.param(TWICE, STORE, {**DB, **STORE}, "db", id="one was there"),
        pytest.param(TWICE, {}, DB, "", id="one is missing still"),
        pytest.param(LINKED, DB, {**DB, **STORE}, "", id="it waits for nothing"),
        pytest.param({**LINKED, **ASLEEP}, {}, DB, "", id="it runs nothing"),
        pytest.param({"links": LINKED["links"]}, {}, DB, "", id="it has no image"),
        pytest.param(RUNS, {}, DB, "", id="it links nothing"),
    ],
)
def test_a_service_lets_an_app_go_on_that_waited_for_it(
    app: dict[str, Any], before: dict[str, Any], after: dict[str, Any], waits_for: str
) -> None:
    ends = (stage(apps={"web": app}, services=services) for services in (before, after))
    found = notes_of(ChangesetSpec(commands=["service:create db --type s3"]), *ends)
    words = f"App web starts or restarts its containers, since {waits_for} is created"
    assert found == ([words] if waits_for else [])


@pytest.mark.parametrize(
    ("app", "services", "says"),
    [
        pytest.param(RUNS, {}, STARTS_OR_RESTARTS, id="it links the missing one no more"),
        pytest.param(
            {**LINKED, "env": {"A": {"value": "b"}}},
            DB,
            STARTS_OR_RESTARTS,
            id="the missing one is made",
        ),
        pytest.param(ASLEEP, {}, STOPS, id="it is scaled to zero"),
        pytest.param(None, {}, STOPS, id="it is destroyed"),
    ],
)
def test_an_app_that_waits_may_not_be_running(
    app: dict[str, Any] | None, services: dict[str, Any], says: str
) -> None:
    before = stage(apps={"web": LINKED}, services={})
    after = stage(apps={"web": {**RUNS, **app}} if app is not None else {}, services=services)
    changes = [each for each in diff(before, after) if each.name == "web"]
    assert [effect(each, missing_services(before)) for each in changes] == [says]
