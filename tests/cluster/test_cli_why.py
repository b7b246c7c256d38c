"""`setops why`: the first thing that blocks, and what to do about it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.terminal import Terminal, administrator, developer
from tests.cluster.world import World


@pytest.fixture(scope="module")
def dev(world: World, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return developer(world, administrator(world, tmp_path_factory.mktemp("terminals")))


def test_the_first_thing_that_blocks_is_told(dev: Terminal, world: World) -> None:
    assert dev.does("why") == "Nothing blocks: all is as it should be.\n"
    dev.does("app:create web")
    dev.does("changeset:commit")
    said = dev.does("why app web")
    assert "Blocked:   App web" in said
    assert "Code:      AppHasNoActiveRelease" in said
    namespace = f"{dev.project}-production"
    image = {"spec": {"image": "registry.example.com/web:does-not-exist"}}
    world.patch("sapp", "web", namespace, image)
    world.until(lambda: "ImagePull" in dev.does("why app web"), "the pod that can't start")
    found = json.loads(dev.does("why -o json"))
    assert found["name"].startswith("App web, container ")
    assert found["triedAgain"] is True
    assert "push the image" in dev.does("why app web")


def test_a_running_commit_doesnt_hide_its_cause(dev: Terminal, world: World) -> None:
    dev.does("app:create late")
    dev.does("--app late release:create registry.example.com/late:does-not-exist")
    dev.does("--app late release:activate 1")
    dev.does("app:destroy web")
    dev.does("changeset:commit --detach")
    namespace = f"{dev.project}-production"

    def found() -> Any:
        return json.loads(dev.does("why -o json"))

    world.until(lambda: "ImagePull" in found().get("code", ""), "the pod that can't start")
    assert found()["name"].startswith("App late, container ")
    assert "push the image" in found()["advice"]
    assert any(
        world.phase(namespace, each["metadata"]["name"]) == "Applying"
        for each in world.list("scs", namespace)
    ), "the commit still runs"
    dev.does("changeset:discard")


def test_what_it_can_be_asked_of(dev: Terminal) -> None:
    assert "write app or service and a name" in dev.fails("why web")
    assert "doesn't exist" in dev.fails("why service nothing")
