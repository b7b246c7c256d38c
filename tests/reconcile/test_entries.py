"""A commit's single writes, before the write: what is there against what the plan expects."""

from __future__ import annotations

from typing import Any, Final

import pytest

from setops.api.errors import ProblemsError
from setops.api.kinds import APP, Key, Object
from setops.api.section import APPS, NOTIFICATIONS, SERVICES, Entry, Section
from setops.changes.diff import Action, Change
from setops.reconcile.changeset.entries import is_done, key_of_change
from setops.reconcile.changeset.readiness import is_ready, is_stalled, message_of
from setops.reconcile.live import live_definition
from tests.reconcile.samples import SPACE, World, app, reported, service

GOING: Final = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
OLD: Final = {"image": "nginx:1"}
NEW: Final = {"image": "nginx:2"}
# As the API server stores it, with the schema's defaults.
STORED: Final = {
    **NEW,
    "network": {"protocol": "http", "public": False, "port": 5000},
    "resources": {"cpu": 128, "memory": 256, "scale": 1},
}


def change(before: Object | None, after: Object | None, section: Section = APPS) -> Change:
    def entry(raw: Object | None) -> Entry | None:
        return None if raw is None else section.model.model_validate(raw)

    action = Action.CREATE if before is None else Action.DESTROY if after is None else Action.UPDATE
    return Change(action, section, "web", entry(before), entry(after))


CREATE: Final = change(None, NEW)
UPDATE: Final = change(OLD, NEW)
DESTROY: Final = change(OLD, None)


@pytest.mark.parametrize(
    ("planned", "live", "done"),
    [
        pytest.param(CREATE, [], False, id="create: not there"),
        pytest.param(CREATE, [app(spec=NEW)], True, id="create: there, as planned"),
        pytest.param(CREATE, [app(spec=STORED)], True, id="create: defaults are no difference"),
        pytest.param(CREATE, [app(spec=OLD)], False, id="create: somebody else's"),
        pytest.param(CREATE, [app(spec=NEW, **GOING)], False, id="create: an earlier one is going"),
        pytest.param(UPDATE, [app(spec=OLD)], False, id="update: as before"),
        pytest.param(UPDATE, [app(spec=NEW)], True, id="update: as planned"),
        pytest.param(UPDATE, [app(spec={"image": "a"})], False, id="update: as nobody planned"),
        pytest.param(UPDATE, [app(spec={"image": 5})], False, id="update: not to be understood"),
        pytest.param(UPDATE, [], False, id="update: gone"),
        pytest.param(
            UPDATE,
            [app(spec={**NEW, "env": {"A": {"value": "1"}}})],
            True,
            id="update: done, and somebody changed another field",
        ),
        pytest.param(
            UPDATE,
            [app(spec={**OLD, "env": {"A": {"value": "1"}}})],
            False,
            id="update: not done, and somebody changed another field",
        ),
        pytest.param(DESTROY, [app(spec=OLD)], False, id="destroy: still there"),
        pytest.param(DESTROY, [app(spec=OLD, **GOING)], True, id="destroy: going"),
        pytest.param(DESTROY, [], True, id="destroy: gone"),
    ],
)
def test_is_done(planned: Change, live: list[Object], done: bool) -> None:
    assert is_done(World(*live).cluster, SPACE, planned) is done


@pytest.mark.parametrize(
    ("planned", "live", "ready"),
    [
        pytest.param(CREATE, [], False, id="not there"),
        pytest.param(CREATE, [app(status={})], False, id="not looked at"),
        pytest.param(CREATE, [app(status=reported())], True, id="ready"),
        pytest.param(CREATE, [app(status=reported("Stalled", "False"))], False, id="not ready"),
        pytest.param(
            CREATE,
            [app(generation=2, status=reported(generation=1))],
            False,
            id="ready for an older spec",
        ),
        pytest.param(DESTROY, [], True, id="gone"),
        pytest.param(DESTROY, [app(**GOING)], True, id="what goes needs no waiting"),
        pytest.param(DESTROY, [app(status=reported())], False, id="not yet asked to go"),
    ],
)
def test_is_ready(planned: Change, live: list[Object], ready: bool) -> None:
    assert is_ready(World(*live).cluster, SPACE, planned) is ready


def status(stalled: str, generation: int) -> Object:
    report = reported("RolloutFailed", "False", generation)
    report["conditions"].append({**report["conditions"][0], "type": "Stalled", "status": stalled})
    return report


@pytest.mark.parametrize(
    ("live", "stalled", "said"),
    [
        pytest.param([], False, "isn't there yet", id="not there"),
        pytest.param([app(status={})], False, "hasn't been looked at yet", id="not looked at"),
        pytest.param([app(status=status("True", 1))], True, "says RolloutFailed", id="stalled"),
        pytest.param([app(status=status("False", 1))], False, "says RolloutFailed", id="moving"),
        pytest.param(
            [app(generation=2, status=status("True", 1))],
            False,
            "says RolloutFailed",
            id="what was wrong with an older spec",
        ),
    ],
)
def test_verdict(live: list[Object], stalled: bool, said: str) -> None:
    cluster = World(*live).cluster
    assert is_stalled(cluster, SPACE, CREATE) is stalled
    assert message_of(cluster, SPACE, CREATE) == said


def test_the_live_definition_is_what_stays() -> None:
    here = World(
        app("worker", spec=STORED),
        app("web", spec=OLD),
        app("going", **GOING),
        service("store"),
        {**app("elsewhere"), "metadata": {**app("elsewhere")["metadata"], "namespace": "other"}},
    )
    found = live_definition(here.cluster, SPACE)
    assert list(found.apps) == ["web", "worker"], "in one order, whatever the order of events"
    assert list(found.services) == ["store"]
    assert found.apps["worker"] == APPS.model.model_validate(NEW)


def test_every_resource_that_can_not_be_held_is_named() -> None:
    here = World(app("web", spec={"image": "x y"}), app("worker", spec={"resources": {"cpu": 1}}))
    with pytest.raises(ProblemsError) as refused:
        live_definition(here.cluster, SPACE)
    fields = [problem.field for problem in refused.value.problems]
    assert fields == ["apps.web.image", "apps.worker.resources.cpu"]


@pytest.mark.parametrize(
    ("section", "raw", "kind"),
    [
        (APPS, {}, "App"),
        (SERVICES, {"type": "s3"}, "Service"),
        (NOTIFICATIONS, {"type": "email", "target": "a@example.com"}, "Notification"),
    ],
)
def test_a_change_is_about_a_resource_of_its_stage(section: Section, raw: Any, kind: str) -> None:
    key = key_of_change(SPACE, change(None, raw, section))
    assert (key.kind.kind, key.namespace, key.name) == (kind, SPACE, "web")
    assert key_of_change(SPACE, CREATE) == Key(APP, SPACE, "web")
