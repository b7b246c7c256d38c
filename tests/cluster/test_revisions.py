"""A Stage's past: which revisions are kept, and what is remembered of those that are not."""

from __future__ import annotations

from typing import Final

from tests.cluster.world import World, changeset

COMMITS: Final = 53
KEPT: Final = 50


def test_fifty_revisions_are_kept_and_the_ledger_knows_the_rest(world: World) -> None:
    project = "ledgers"
    namespace = world.stage(project)
    world.apply(
        *(
            changeset(namespace, f"c{number:02}", f"app:create app-{number:02}")
            for number in range(1, COMMITS + 1)
        )
    )
    world.until(
        lambda: all(
            item["status"].get("phase") == "Committed" for item in world.list("scs", namespace)
        ),
        "the end of all commits",
    )
    numbers = sorted(
        item["revision"]
        for item in world.list("controllerrevision", project)
        if item["metadata"]["name"].startswith("production-")
    )
    assert numbers == list(range(COMMITS - KEPT + 1, COMMITS + 1))
    world.sandbox.kubectl("get", "configmap", "production-ledger", "-n", project)
    # Git applies the first one again, long after its revision has gone.
    world.delete("scs", "c01", namespace=namespace)
    world.gone("scs", "c01", namespace)
    again = world.commit(namespace, "app:create app-01", name="c01")["status"]
    assert (again["phase"], again["revision"]) == ("Committed", 1)
    # Under that name something else is asked for: that is a new one.
    world.delete("scs", "c02", namespace=namespace)
    world.gone("scs", "c02", namespace)
    other = world.commit(namespace, "app:destroy app-02", name="c02")["status"]
    assert (other["phase"], other["revision"]) == ("Committed", COMMITS + 1)
    world.delete("project.setops.co", project)
    world.gone("project.setops.co", project)
