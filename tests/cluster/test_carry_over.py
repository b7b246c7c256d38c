"""An App whose Deployment an earlier version made gets the narrow selector without downtime."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from sandbox import Sandbox
from tests.cluster.world import Object, World, manifest

IMAGE: Final = "registry.example.com/web:1"
BY_NAME: Final = {"setops.co/app": "web"}
NARROW: Final = {**BY_NAME, "app.kubernetes.io/component": "app"}
SLOW: Final = {"setops.co/sandbox-ready-after": "1s"}


@pytest.fixture
def namespace(world: World) -> str:
    """A Stage of its own, with an App of two containers as an earlier version left it."""
    namespace = world.stage()
    spec = {"image": IMAGE, "resources": {"scale": 2}}
    world.apply(manifest("App", "web", spec, namespace))
    world.wait("sapp", "web", namespace)
    world.operator.stop()
    _as_before(world, namespace)
    world.until(lambda: len(addresses(world.sandbox, namespace)) == 2, "two old containers")
    return namespace


def _as_before(world: World, namespace: str) -> None:
    """Make Deployment, Service and budget what they were before pods had a component."""
    deployment = world.get("deployment", "web", namespace)
    assert deployment is not None
    world.sandbox.kubectl("delete", "deployment", "web", "-n", namespace, "--cascade=foreground")
    template = deployment["spec"]["template"]
    del template["metadata"]["labels"]["app.kubernetes.io/component"]
    template["metadata"]["annotations"] = SLOW
    for constraint in template["spec"]["topologySpreadConstraints"]:
        constraint["labelSelector"] = {"matchLabels": BY_NAME}
    deployment["spec"]["selector"] = {"matchLabels": BY_NAME}
    metadata = deployment["metadata"]
    kept = {name: metadata[name] for name in ("name", "namespace", "labels", "ownerReferences")}
    world.apply({**deployment, "metadata": kept, "status": {}})
    forgotten = {"app.kubernetes.io/component": None}
    world.patch("services", "web", namespace, {"spec": {"selector": forgotten}})
    world.patch("pdb", "web", namespace, {"spec": {"selector": {"matchLabels": forgotten}}})
    assert world.get("services", "web", namespace)["spec"]["selector"] == BY_NAME  # type: ignore[index]


def addresses(sandbox: Sandbox, namespace: str) -> set[str]:
    """The names of the ready pods to which the App's private name leads."""
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    found: list[dict[str, Any]] = sandbox.api().request(
        "GET", f"{path}?labelSelector=kubernetes.io/service-name%3Dweb"
    )["items"]
    return {
        endpoint["targetRef"]["name"]
        for each in found
        for endpoint in each.get("endpoints") or ()
        if endpoint["conditions"]["ready"]
    }


@contextmanager
def watched(sandbox: Sandbox, namespace: str) -> Iterator[list[set[str]]]:
    """Look at the App's ready pods all the time."""
    seen: list[set[str]] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.02):
            seen.append(addresses(sandbox, namespace))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def selectors(world: World, namespace: str) -> list[Object]:
    """The selectors of Service, budget and scale subresource."""
    app, service, budget = (
        world.get(what, "web", namespace) or {} for what in ("sapp", "services", "pdb")
    )
    scale = dict(pair.split("=") for pair in app["status"]["selector"].split(","))
    return [service["spec"]["selector"], budget["spec"]["selector"]["matchLabels"], scale]


def pod(name: str, namespace: str) -> Object:
    """A pod as a task of the App has it."""
    labels = {**BY_NAME, "app.kubernetes.io/component": "task"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "containers": [
                {
                    "name": "task",
                    "image": IMAGE,
                    "securityContext": {"allowPrivilegeEscalation": False},
                }
            ]
        },
    }


def test_an_earlier_deployment_is_carried_over_without_downtime(
    world: World, namespace: str
) -> None:
    before = world.get("deployment", "web", namespace)
    assert before is not None
    old = addresses(world.sandbox, namespace)
    with watched(world.sandbox, namespace) as seen:
        world.operator.start()
        world.operator.wait_ready()
        world.until(lambda: selectors(world, namespace) == [NARROW] * 3, "the narrow selectors")
        world.wait("sapp", "web", namespace)
    assert old in seen, "it was looked at from the beginning"
    assert all(seen), "the private name led nowhere for a moment"
    (after,) = world.list("deployments", namespace)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["selector"] == {"matchLabels": BY_NAME}
    pods = [
        each
        for each in world.list("pods", namespace)
        if "deletionTimestamp" not in each["metadata"]
    ]
    assert len(pods) == 2
    assert all(NARROW.items() <= each["metadata"]["labels"].items() for each in pods)
    assert not old & {each["metadata"]["name"] for each in pods}

    # And so it stays: no later rollout goes back to the wide selector.
    with watched(world.sandbox, namespace) as seen:
        world.patch("sapp", "web", namespace, {"spec": {"env": {"A": {"value": "1"}}}})
        world.until(
            lambda: (
                world.get("deployment", "web", namespace)["metadata"]["generation"]  # type: ignore[index]
                > after["metadata"]["generation"]
            ),
            "another rollout",
        )
        world.wait("sapp", "web", namespace)
        assert selectors(world, namespace) == [NARROW] * 3
    assert all(seen)


def test_the_pod_of_a_task_is_no_container_of_its_app(world: World) -> None:
    namespace = world.stage()
    world.apply(manifest("App", "web", {"image": IMAGE, "resources": {"scale": 2}}, namespace))
    world.wait("sapp", "web", namespace)
    world.apply(pod("web-task", namespace))
    world.until(
        lambda: (world.get("pods", "web-task", namespace) or {})["status"]["phase"] == "Running",
        "the task's pod",
    )
    world.until(lambda: len(addresses(world.sandbox, namespace)) == 2, "the App's pods")
    assert "web-task" not in addresses(world.sandbox, namespace)
    assert selectors(world, namespace) == [NARROW] * 3
    app = world.get("sapp", "web", namespace)
    assert app is not None
    assert app["status"]["replicas"] == 2
    (deployment,) = world.list("deployments", namespace)
    assert deployment["spec"]["selector"] == {"matchLabels": NARROW}
