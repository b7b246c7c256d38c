"""An operator that starts writes nothing to a cluster that is as it should be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import pytest

from sandbox import Sandbox
from sandbox.operator_process import Operator
from sandbox.proxy import Fail, Proxy, Request
from tests.cluster.world import World, changeset, manifest

STEADY_SECONDS = 8.0
"""How long nothing is to happen; longer than any poll but the drift check of AWS."""

CALM: Final = 4.0
"""Seconds without a write after which no Event of what was before is still to come."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A control plane of its own: what other tests have left would go on being worked on."""
    with Sandbox.start() as started:
        yield started


@pytest.fixture(scope="module")
def proxy(sandbox: Sandbox) -> Iterator[Proxy]:
    """Stands before the API server and counts."""
    with Proxy(sandbox.server, sandbox.authority) as started:
        yield started


@pytest.fixture(scope="module")
def operator(sandbox: Sandbox, proxy: Proxy) -> Iterator[Operator]:
    """An operator whose requests are counted."""
    with sandbox.operator(api_proxy=proxy.url) as started:
        yield started


@pytest.fixture(scope="module")
def settled(sandbox: Sandbox, operator: Operator, proxy: Proxy) -> World:
    """Two Stages with an App and a bucket each, all ready."""
    world = World(sandbox, operator)
    for namespace in (world.stage(), world.stage()):
        ended = world.commit(
            namespace,
            "app:create web",
            "--app web release:create registry.example.com/web:1",
            "--app web release:activate 1",
            "--app web resource:set scale 2",
            "service:create store --type s3",
            "--app web link:create store --env-key STORE_URL",
        )
        assert ended["status"]["phase"] == "Committed", ended["status"]
        world.wait("sapp", "web", namespace)
    quiet(world, operator, proxy)
    return world


def is_change(request: Request) -> bool:
    """Whether a request writes anything but the Lease."""
    return request.is_write and "/leases/" not in request.path


def changes(proxy: Proxy, since: int) -> list[str]:
    """The writes after the first `since` requests."""
    return [str(record) for record in proxy.records[since:] if is_change(record.request)]


def quiet(world: World, operator: Operator, proxy: Proxy) -> None:
    """Wait until the operator has nothing more to do, and has written the last of its Events."""
    idle = ("setops_queue_depth 0.0", "setops_queue_running 0.0", "setops_synced 1.0")

    def is_quiet() -> bool:
        writes = [record.started for record in proxy.records if is_change(record.request)]
        calm = not writes or time.monotonic() - writes[-1] > CALM
        return calm and all(line in operator.metrics().splitlines() for line in idle)

    world.until(is_quiet, "an empty queue and no more writes")


def test_steady_state_writes_nothing(settled: World, operator: Operator, proxy: Proxy) -> None:
    quiet(settled, operator, proxy)
    since = len(proxy.records)
    time.sleep(STEADY_SECONDS)
    assert changes(proxy, since) == []


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_restart_writes_nothing(settled: World, operator: Operator, proxy: Proxy, end: str) -> None:
    quiet(settled, operator, proxy)
    if end == "stop":
        operator.stop()
    else:
        operator.kill()
    since = len(proxy.records)
    operator.start()
    operator.wait_ready()
    settled.until(lambda: "setops_leader 1.0" in operator.metrics().splitlines(), "a new leader")
    quiet(settled, operator, proxy)
    assert changes(proxy, since) == []


def test_a_right_that_the_operator_lacks_is_told_on_the_object(
    settled: World, proxy: Proxy
) -> None:
    namespace = settled.stage()
    proxy.rule = lambda request: (
        Fail(403) if request.is_write and request.path.endswith("/deployments/lacking") else None
    )
    image = "registry.example.com/lacking:1"
    settled.apply(manifest("App", "lacking", {"image": image}, namespace))
    said = settled.says("sapp", "lacking", namespace, "Reconciling", "ServerFailure")
    assert "Deployment" in said
    proxy.rule = None
    settled.wait("sapp", "lacking", namespace)


def test_a_right_that_a_commit_lacks_is_told_on_the_changeset(settled: World, proxy: Proxy) -> None:
    namespace = settled.stage()
    proxy.rule = lambda request: (
        Fail(403) if request.is_write and "/controllerrevisions/" in request.path else None
    )
    settled.apply(changeset(namespace, "lacking", "app:create web"))
    said = settled.says("scs", "lacking", namespace, "Reconciling", "ServerFailure")
    assert "ControllerRevision" in said
    assert "tries again" in said
    assert settled.phase(namespace, "lacking") == "Applying"
    proxy.rule = None
    settled.wait("scs", "lacking", namespace, "Complete")
    assert settled.phase(namespace, "lacking") == "Committed"


def test_an_edit_that_cannot_be_planned_leaves_no_older_plan(settled: World, proxy: Proxy) -> None:
    namespace = settled.stage()
    settled.commit(namespace, "app:create web")
    draft = changeset(namespace, "draft", "--app web resource:set scale 2", commit=False)
    settled.apply(draft)
    settled.says("scs", "draft", namespace, "!Ready", "Open")
    # Planning from an older base reads that revision from the API server.
    settled.commit(namespace, "app:create worker")
    proxy.rule = lambda request: (
        Fail(403) if not request.is_write and "/controllerrevisions/" in request.path else None
    )
    draft["spec"]["commands"] = ["app:destroy web"]
    settled.apply(draft)
    settled.says("scs", "draft", namespace, "Reconciling", "ServerFailure")
    found = settled.get("scs", "draft", namespace)
    assert found is not None
    assert "plan" not in found["status"]
    proxy.rule = None
    settled.says("scs", "draft", namespace, "!Ready", "Open")
    found = settled.get("scs", "draft", namespace)
    assert found is not None
    assert found["status"]["plan"]["generation"] == found["metadata"]["generation"]


def test_a_second_replica_takes_over(settled: World, operator: Operator) -> None:
    with settled.sandbox.operator(name="standby") as standby:
        assert "setops_leader 0.0" in standby.metrics().splitlines(), "one leads, not two"
        operator.kill()
        settled.until(
            lambda: "setops_leader 1.0" in standby.metrics().splitlines(), "the standby to lead"
        )
        namespace = settled.list("sstage")[0]["status"]["namespace"]
        image = "registry.example.com/heir:1"
        settled.apply(manifest("App", "heir", {"image": image}, namespace))
        settled.wait("sapp", "heir", namespace)
    operator.start()
    operator.wait_ready()
