"""A link gives the App a variable from the Service's Secret, and not before the Secret is there."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.cluster.world import World, manifest

APP = {
    "image": "registry.example.com/web:1",
    "links": {"store": {"envKey": "STORE_URL"}},
}


@pytest.fixture(scope="module")
def namespace(world: World) -> str:
    """A Stage for all tests of this module."""
    return world.stage()


def template(world: World, namespace: str, app: str) -> dict[str, Any]:
    """The pod template of an App's Deployment."""
    deployment = world.get("deployment", app, namespace)
    assert deployment is not None
    found: dict[str, Any] = deployment["spec"]["template"]
    return found


def variables(world: World, namespace: str, app: str) -> dict[str, Any]:
    """The environment of an App's container by name."""
    container = template(world, namespace, app)["spec"]["containers"][0]
    return {variable["name"]: variable for variable in container["env"]}


def test_app_waits_for_the_service_it_links(world: World, namespace: str) -> None:
    world.apply(manifest("App", "early", APP, namespace))
    said = world.says("sapp", "early", namespace, "Reconciling", "WaitingForService")
    assert said == "waits for Service 'store'"
    assert world.get("deployment", "early", namespace) is None, "it would start without its URL"

    world.apply(manifest("Service", "store", {"type": "s3"}, namespace))
    world.wait("sapp", "early", namespace)
    source = variables(world, namespace, "early")["STORE_URL"]["valueFrom"]["secretKeyRef"]
    assert source == {"name": "service-store", "key": "url"}
    secret = world.get("secret", "service-store", namespace)
    assert secret is not None
    assert base64.b64decode(secret["data"]["url"]).startswith(b"s3://")


def test_app_rolls_when_the_secret_changes(world: World, namespace: str) -> None:
    world.apply(
        manifest("Service", "files", {"type": "s3"}, namespace),
        manifest("App", "rolls", {**APP, "links": {"files": {"envKey": "FILES"}}}, namespace),
    )
    world.wait("sapp", "rolls", namespace)
    before = template(world, namespace, "rolls")["metadata"]["annotations"]
    # The Secret goes, and with it the only copy of the key: a new one is issued.
    world.delete("secret", "service-files", namespace=namespace)
    world.until(
        lambda: template(world, namespace, "rolls")["metadata"]["annotations"] != before,
        "a new pod template after the Secret changed",
    )
    world.wait("sapp", "rolls", namespace)


def test_unlinking_takes_the_variable_away(world: World, namespace: str) -> None:
    ended = world.commit(
        namespace,
        "app:create late",
        "--app late release:create registry.example.com/late:1",
        "--app late release:activate 1",
        "service:create cache --type s3",
        "--app late link:create cache --env-key CACHE_URL",
    )
    assert ended["status"]["phase"] == "Committed", ended["status"]
    assert "CACHE_URL" in variables(world, namespace, "late")
    ended = world.commit(namespace, "--app late link:destroy cache", "service:destroy cache")
    assert ended["status"]["phase"] == "Committed", ended["status"]
    assert "CACHE_URL" not in variables(world, namespace, "late")
    world.gone("ssvc", "cache", namespace)
