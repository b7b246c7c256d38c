"""Many at once: two users on one Stage, a long queue, and a hundred Stages."""

from __future__ import annotations

import threading
from typing import Final

from setops.api.kinds import CHANGESET
from tests.cluster.world import ENDED, World, changeset, manifest, organization

QUEUE: Final = 20
STAGES: Final = 100
PATIENCE: Final = 180.0


def test_a_queue_keeps_the_order_of_the_commits(world: World) -> None:
    """Whatever their names are, and however soon they follow one another."""
    namespace = world.stage("queues")
    api = world.sandbox.api()
    names = [f"{chr(ord('z') - number)}-{number}" for number in range(QUEUE)]
    for number, name in enumerate(names):
        made = changeset(namespace, name, f"app:create app{number}")
        api.request("POST", CHANGESET.path(namespace), made)
    world.until(
        lambda: all(world.phase(namespace, name) == "Committed" for name in names),
        "the end of the queue",
    )
    found = {item["metadata"]["name"]: item["status"] for item in world.list("scs", namespace)}
    assert [found[name]["revision"] for name in names] == list(range(1, QUEUE + 1))
    world.delete("project.setops.co", "queues")
    world.gone("project.setops.co", "queues")


def test_two_users_commit_at_the_same_moment(world: World) -> None:
    """What is disjoint is in, of both; of what overlaps, one wins and the other one is told."""
    namespace = world.stage("twousers")
    world.commit(namespace, "app:create web")
    users = ("ann@example.com", "bob@example.com")
    for number, user in enumerate(users):
        commands = [
            f"--app web env:set FROM_{number}=1",
            *([f"--app web resource:set scale {number + 2}"] if number else []),
        ]
        world.apply(
            manifest("Changeset", f"apart{number}", {"user": user, "commands": commands}, namespace)
        )
    _commit_at_once(world, namespace, "apart0", "apart1")
    assert {world.phase(namespace, name) for name in ("apart0", "apart1")} == {"Committed"}
    web = world.get("sapp", "web", namespace)
    assert web is not None
    assert set(web["spec"]["env"]) == {"FROM_0", "FROM_1"}

    for number, user in enumerate(users):
        commands = [f"--app web resource:set scale {number + 5}"]
        world.apply(
            manifest("Changeset", f"clash{number}", {"user": user, "commands": commands}, namespace)
        )
    _commit_at_once(world, namespace, "clash0", "clash1")
    by_phase = {world.phase(namespace, name): name for name in ("clash0", "clash1")}
    assert set(by_phase) == {"Committed", "Failed"}
    failed = world.get("scs", by_phase["Failed"], namespace)
    assert failed is not None
    said = failed["status"]["errors"][0]
    assert said["field"] == "apps.web.resources.scale"
    assert all(user in said["message"] for user in users)
    world.delete("project.setops.co", "twousers")
    world.gone("project.setops.co", "twousers")


def _commit_at_once(world: World, namespace: str, *names: str) -> None:
    world.until(
        lambda: all(world.phase(namespace, name) == "Open" for name in names), "all to be open"
    )
    threads = [
        threading.Thread(
            target=world.patch, args=("scs", name, namespace, {"spec": {"commit": True}})
        )
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.until(
        lambda: all(world.phase(namespace, name) in ENDED for name in names), "the end of both"
    )


def test_a_hundred_stages_do_not_wait_for_one_another(world: World) -> None:
    """One of them waits for an App that never starts; the others end while it still does."""
    world.apply(organization(), manifest("Project", "hundred", {"organization": "acme"}))
    world.wait("project.setops.co", "hundred")
    stages = [f"stage{number}" for number in range(STAGES)]
    world.apply(*(manifest("Stage", stage, {}, "hundred") for stage in stages))
    world.until(
        lambda: all(
            "namespace" in item.get("status", {}) for item in world.list("sstage", "hundred")
        ),
        "all namespaces",
    )
    image = "registry.example.com/does-not-exist:1"
    stuck = {"apps": {"web": {"image": image}}}
    world.apply(
        changeset("hundred-stage0", "first", definition=stuck, timeout=86400),
        *(changeset(f"hundred-{stage}", "first", "app:create web") for stage in stages[1:]),
    )
    world.until(
        lambda: all(
            world.phase(f"hundred-{stage}", "first") == "Committed" for stage in stages[1:]
        ),
        "the others to be committed",
        PATIENCE,
    )
    assert world.phase("hundred-stage0", "first") == "Applying"
    world.delete("project.setops.co", "hundred")
    world.gone("project.setops.co", "hundred")
