"""What stands empty in Git stays so, whatever a Changeset writes beside it: nothing differs then.

One Stage holds an App for each empty map, applied as Git tools do it, by client-side and by
server-side apply. Three Changesets write other fields of all of them: one is committed, one sets
and unsets what is in the map, and one fails and is rolled back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest

from tests.cluster.world import API, Object, World

IMAGE: Final = "registry.example.com/web:1"
EMPTY: Final[Mapping[str, Any]] = {
    "env": {},
    "links": {},
    "domains": {},
    "releases": {},
    "schedule": {},
    "container": {},
    "resources": {},
    "network": {},
    "all": None,
}
MODES: Final = ("client", "server")
OPTIONS: Final[Mapping[str, Sequence[str]]] = {"client": (), "server": ("--server-side",)}


def manifest_of(namespace: str, field: str, mode: str) -> Object:
    """The App as it stands in Git: its fields are those that the manifest names and no others."""
    empty: Object = {name: {} for name in EMPTY if field in (name, "all") and name != "all"}
    metadata = {
        "name": f"{field}-{mode}"[:16],
        "namespace": namespace,
        "labels": {"team": "shop"},
        "annotations": {"example.com/note": "Zürich \U0001f600"},
    }
    return {
        "apiVersion": API,
        "kind": "App",
        "metadata": metadata,
        "spec": {"image": IMAGE, **empty},
    }


CASES: Final = [(field, mode) for field in EMPTY for mode in MODES]


@pytest.fixture(scope="module")
def namespace(world: World) -> str:
    """The namespace of a Stage with all these Apps."""
    made = world.stage("emptymaps")
    for mode in MODES:
        manifests = [manifest_of(made, field, mode) for field in EMPTY]
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        world.sandbox.kubectl("apply", *OPTIONS[mode], "-f", "-", input=listed)
    for field, mode in CASES:
        world.wait("sapp", manifest_of(made, field, mode)["metadata"]["name"], made)
    return made


def spec_of(world: World, namespace: str, name: str) -> Object:
    found = world.get("sapp", name, namespace)
    assert found is not None
    return dict(found["spec"])


def apps(namespace: str) -> list[str]:
    return [manifest_of(namespace, *case)["metadata"]["name"] for case in CASES]


def all_specs(world: World, namespace: str) -> dict[str, Object]:
    return {name: spec_of(world, namespace, name) for name in apps(namespace)}


def nothing_differs(world: World, namespace: str) -> None:
    """What `kubectl diff` finds between the manifests and what is there."""
    for mode in MODES:
        manifests = [manifest_of(namespace, field, mode) for field in EMPTY]
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        done = world.sandbox.kubectl("diff", *OPTIONS[mode], "-f", "-", input=listed, check=False)
        assert (done.returncode, done.stdout) == (0, ""), mode


def committed(world: World, namespace: str, *commands: str, **spec: Any) -> Object:
    lines = [f"--app {name} {command}" for name in apps(namespace) for command in commands]
    return dict(world.commit(namespace, *lines, **spec)["status"])


def test_another_field_is_written(world: World, namespace: str) -> None:
    before = all_specs(world, namespace)
    assert committed(world, namespace, "resource:set scale 2")["phase"] == "Committed"
    for name, spec in all_specs(world, namespace).items():
        resources = {**before[name]["resources"], "scale": 2}
        assert spec == {**before[name], "resources": resources}, name
    nothing_differs(world, namespace)


def test_what_is_set_and_unset_again_leaves_the_map(world: World, namespace: str) -> None:
    before = all_specs(world, namespace)
    steps = (
        ("env:set A=1", "domain:create www{}.example.com", "container:set command -- a b"),
        ("env:unset A", "domain:destroy www{}.example.com", "container:unset command"),
    )
    for commands in steps:
        lines = [
            f"--app {name} {command.format(number)}"
            for number, name in enumerate(apps(namespace))
            for command in commands
        ]
        assert world.commit(namespace, *lines)["status"]["phase"] == "Committed"
    assert all_specs(world, namespace) == before
    nothing_differs(world, namespace)


def test_a_rollback_leaves_it_too(world: World, namespace: str) -> None:
    before = all_specs(world, namespace)
    missing = "registry.example.com/does-not-exist:1"
    ended = committed(
        world,
        namespace,
        "env:set A=1",
        "container:set command -- a",
        f"release:create {missing}",
        "release:activate 1",
        timeout=3,
    )
    assert ended["phase"] == "Failed"
    assert all_specs(world, namespace) == before
    nothing_differs(world, namespace)
