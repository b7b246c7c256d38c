"""A Stage's past: which revisions are kept, and what is remembered of those that are not."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.cluster.terminal import administrator
from tests.cluster.world import World, changeset, manifest

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
        for item in world.list("controllerrevision", namespace)
        if "-ledger-" not in item["metadata"]["name"]
    )
    assert numbers == list(range(COMMITS - KEPT + 1, COMMITS + 1))
    assert not world.list("controllerrevision", project), "where others may read"
    assert world.get("controllerrevision", f"production-ledger-{COMMITS - KEPT}", namespace)
    # Git applies the first one again, long after it has gone, and its revision.
    world.gone("scs", "c01", namespace)
    again = world.commit(namespace, "app:create app-01", name="c01")["status"]
    assert (again["phase"], again["revision"]) == ("Committed", 1)
    # Under that name something else is asked for: that is a new one.
    world.gone("scs", "c02", namespace)
    other = world.commit(namespace, "app:destroy app-02", name="c02")["status"]
    assert (other["phase"], other["revision"]) == ("Committed", COMMITS + 1)
    world.delete("project.setops.co", project)
    world.gone("project.setops.co", project)


def test_an_autoscaler_leaves_one_revision_and_harms_no_open_changeset(
    world: World, tmp_path: Path
) -> None:
    project = "scaled"
    namespace = world.stage(project)
    world.commit(namespace, "app:create web", "app:create api")

    def scale(app: str, number: int, revision: int) -> None:
        """Scale an App as an autoscaler does, and wait until that is recorded."""
        world.sandbox.kubectl("scale", f"sapp/{app}", f"--replicas={number}", "-n", namespace)
        world.until(lambda: numbers()[-1] == revision, f"revision {revision}")

    def numbers() -> list[int]:
        return sorted(item["revision"] for item in world.list("controllerrevision", namespace))

    scale("web", 2, 2)
    drafts = {"draft": "--app web env:set A=1", "greedy": "--app web resource:set scale 9"}
    for name, line in drafts.items():
        world.apply(manifest("Changeset", name, {"commands": [line]}, namespace))
    world.until(lambda: all(world.phase(namespace, name) == "Open" for name in drafts), "drafts")
    for revision, app in enumerate(("web", "web", "api", "web"), start=3):
        scale(app, revision, revision)
    world.until(lambda: numbers() == [1, 2, 5, 6], "one for each App, and where the draft began")
    person = administrator(world, tmp_path).on(project)
    log = person.does("changeset:log")
    assert "Since revision 2; those between are no longer kept:" in log
    assert log.count("no longer kept") == 1
    said = person.fails("changeset:diff 3")
    assert "has no revision 3; it is no longer kept; before it there is 2, after it 5" in said
    found = world.get("scs", "draft", namespace)
    assert found is not None
    assert found["status"]["baseRevision"] == 2
    world.patch("scs", "greedy", namespace, {"spec": {"commit": True}})
    said = world.says("scs", "greedy", namespace, "Failed", "ChangesetInvalid")
    assert "scale of App 'web' was changed from 2 to 6 by field manager" in said
    assert "in revision 6" in said, "those of its earlier edits are gone"
    world.patch("scs", "draft", namespace, {"spec": {"commit": True}})
    world.until(lambda: world.phase(namespace, "draft") == "Committed", "the commit")
    web = world.get("sapp", "web", namespace)
    assert web is not None
    assert (web["spec"]["resources"]["scale"], web["spec"]["env"]) == (6, {"A": {"value": "1"}})
    scale("web", 1, 8)
    world.until(lambda: numbers() == [1, 5, 6, 7, 8], "only what is needed")
    world.delete("project.setops.co", project)
    world.gone("project.setops.co", project)
