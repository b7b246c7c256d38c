"""What the operator remembers of a Stage: nobody writes it, and what is odd about it stops nothing.

Forgeries here are an administrator's, since nobody else can make them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from setops.api.changeset import ChangesetSpec
from setops.changes.digest import content_hash
from tests.cluster.world import Object, World, changeset, manifest

PROJECT: Final = "records"
SECRET: Final = "hidden-in-the-environment"


@pytest.fixture(scope="module")
def stage(world: World) -> Iterator[str]:
    """A Stage with two revisions, the second of which has a value that not everybody may read."""
    namespace = world.stage(PROJECT)
    world.commit(namespace, "app:create web", name="first")
    world.commit(namespace, f"--app web env:set TOKEN={SECRET}", name="second")
    yield namespace
    world.delete("project.setops.co", PROJECT)


def numbers(world: World, namespace: str) -> list[int]:
    """The revisions that count."""
    return sorted(
        item["revision"]
        for item in world.list("controllerrevision", namespace)
        if [owner["kind"] for owner in item["metadata"].get("ownerReferences", ())] == ["Namespace"]
        and "-ledger-" not in item["metadata"]["name"]
    )


@pytest.mark.parametrize("role", ["view", "edit", "admin"])
@pytest.mark.parametrize("where", [PROJECT, f"{PROJECT}-production"])
def test_no_role_of_kubernetes_writes_records(
    world: World, stage: str, role: str, where: str
) -> None:
    assert stage == f"{PROJECT}-production"
    user = f"{role}-{where}@example.com"
    world.sandbox.kubectl(
        "create", "rolebinding", role, f"--clusterrole={role}", f"--user={user}", "-n", where
    )

    def may(verb: str) -> bool:
        line = ("auth", "can-i", verb, "controllerrevisions.apps", f"--as={user}", "-n", where)
        return world.sandbox.kubectl(*line, check=False).stdout.strip() == "yes"

    world.until(lambda: may("get"), "the role")
    verbs = ("create", "update", "patch", "delete", "deletecollection")
    assert [verb for verb in verbs if may(verb)] == []


def test_who_reads_the_projects_namespace_reads_no_environment(world: World, stage: str) -> None:
    everything = world.sandbox.kubectl(
        *("get", "controllerrevisions,configmaps,sstage,events", "-n", PROJECT, "-oyaml")
    ).stdout
    assert SECRET not in everything
    kept = world.sandbox.kubectl("get", "controllerrevisions", "-n", stage, "-oyaml").stdout
    assert SECRET in kept, "where those who may read Apps read it"


def forged(world: World, stage: str, name: str, number: int, data: Any, **metadata: Any) -> Object:
    """A ControllerRevision that looks like a record; its owner is the namespace unless said."""
    space = world.get("namespace", stage)
    assert space is not None
    owner = {"apiVersion": "v1", "kind": "Namespace", "name": stage}
    owned = [{**owner, "uid": space["metadata"]["uid"], "controller": True}]
    labels = {"app.kubernetes.io/managed-by": "setops", "setops.co/stage": "production"}
    head = {"name": name, "namespace": stage, "labels": labels, "ownerReferences": owned}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {**head, **metadata},
        "revision": number,
        "data": data,
    }


def apply(world: World, *objects: Object) -> None:
    """Server-side, since kubectl's own apply notes the whole object in an annotation."""
    listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    line = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    world.sandbox.kubectl(*line, input=json.dumps(listed))


def test_forgeries_are_passed_over_and_told(world: World, stage: str) -> None:
    """In the place of the next revision, of the ledger, and in no place at all."""
    ledger = {"entries": {"victim": {"content": victim(), "revision": 1}}}
    definition: Object = {"definition": {"apps": {"evil": {}}}}
    apply(
        world,
        forged(world, stage, "production-3", 3, definition, ownerReferences=[]),
        forged(world, stage, "production-ledger-1", 1, ledger, ownerReferences=[]),
        forged(world, stage, "production-5d4f8c", 4, definition),
        forged(world, stage, "production-70", 71, definition),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "production-ledger", "namespace": PROJECT},
            "data": {"victim": json.dumps({"content": victim(), "revision": 1}), "x": "notjson"},
        },
    )
    ended = world.commit(stage, "app:create victim", name="victim")["status"]
    assert (ended["phase"], ended["revision"]) == ("Committed", 4), "3 is somebody else's"
    assert world.get("sapp", "victim", stage) is not None
    assert world.get("sapp", "evil", stage) is None
    assert numbers(world, stage) == [1, 2, 4, 4, 71], "nothing that isn't ours is deleted"
    world.until(
        lambda: (
            {"production-3", "production-ledger-1", "production-5d4f8c", "production-70"}
            <= ignored(world)
        ),
        "Events",
    )


def victim() -> str:
    """The content hash of the Changeset that a forged ledger says to be committed."""
    spec = changeset("", "victim", "app:create victim")["spec"]
    return content_hash(ChangesetSpec.model_validate(spec))


def ignored(world: World) -> set[str]:
    """The objects that Events on the Stage say to be ignored."""
    listed = world.sandbox.kubectl("get", "events", "-n", PROJECT, "-ojson").stdout
    return {
        item["message"].split("'")[1]
        for item in json.loads(listed)["items"]
        if item["reason"] == "RecordIgnored"
    }


UNREADABLE: Final = {
    "no data": {},
    "a StatefulSet's": {"spec": {"template": {}}},
    "another type": {"definition": "text"},
    "an App that can't be": {"definition": {"apps": {"web": {"resources": {"scale": "x"}}}}},
    "an unknown kind": {"definition": {"gremlins": {}}},
}


def test_a_revision_that_can_not_be_read_stops_nobody(world: World, stage: str) -> None:
    """Each is the latest one, so an edit, a draft and a commit meet it."""
    for step, (what, data) in enumerate(UNREADABLE.items()):
        latest = numbers(world, stage)[-1] + 1
        apply(world, forged(world, stage, f"production-{latest}", latest, data))
        draft = manifest("Changeset", f"draft{step}", {"commands": ["app:create later"]}, stage)
        world.apply(draft)
        world.until(lambda: world.phase(stage, f"draft{step}") == "Open", what)  # noqa: B023
        world.delete("scs", f"draft{step}", namespace=stage)
        ended = world.commit(stage, f"app:create app{step}")["status"]
        assert ended["phase"] == "Committed", what
        assert ended["revision"] > latest, what
        world.lock_is_freed(stage)


def test_numbers_go_on_when_the_namespace_was_lost(world: World) -> None:
    project = "recordslost"
    namespace = world.stage(project)
    for number in (1, 2):
        world.commit(namespace, f"app:create app{number}")
    before = world.get("namespace", namespace)
    world.delete("namespace", namespace)
    world.until(
        lambda: (
            (world.get("namespace", namespace) or before) != before
            and (world.get("namespace", namespace) or {}).get("status", {}).get("phase") == "Active"
        ),
        "the new namespace",
        240,
    )
    world.wait("sstage", "production", project)
    ended = world.commit(namespace, "app:create web")["status"]
    assert (ended["phase"], ended["revision"]) == ("Committed", 4), "3 says that all is gone"
    assert numbers(world, namespace) == [3, 4]
    world.delete("project.setops.co", project)


def as_earlier(world: World, project: str, revision: Object) -> Object:
    """A revision as an earlier version kept it: in the Project's namespace, owned by the Stage."""
    owner = world.get("sstage", "production", project)
    assert owner is not None
    metadata = revision["metadata"]
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": "Stage",
        "name": "production",
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    kept = {name: metadata[name] for name in ("name", "labels", "annotations") if name in metadata}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {**kept, "namespace": project, "ownerReferences": [reference]},
        "revision": revision["revision"],
        "data": revision["data"],
    }


def test_what_an_earlier_version_kept_is_carried_over(world: World) -> None:
    """Also when that was begun before and cut off by a kill: revision 2 is in both places."""
    project = "recordsold"
    namespace = world.stage(project)
    for number in (1, 2, 3):
        world.commit(namespace, f"app:create app{number}", name=f"c{number}")
    world.operator.stop()
    there = world.list("controllerrevision", namespace)
    moved = [as_earlier(world, project, item) for item in there]
    apply(world, *moved[1:])
    reference = moved[0]["metadata"]["ownerReferences"]
    pruned = {"apiVersion": "v1", "kind": "ConfigMap"}
    pruned["metadata"] = {  # type: ignore[assignment]
        "name": "production-ledger", "namespace": project, "ownerReferences": reference,
    }  # fmt: skip
    spec = changeset("", "c1", "app:create app1")["spec"]
    asked = content_hash(ChangesetSpec.model_validate(spec))
    pruned["data"] = {"c1": json.dumps({"content": asked, "revision": 1})}  # type: ignore[assignment]
    line = ("apply", "--server-side", "--field-manager=setops", "-f", "-")
    world.sandbox.kubectl(*line, input=json.dumps(pruned))
    for name in ("production-1", "production-3"):
        world.sandbox.kubectl("delete", "controllerrevision", name, "-n", namespace)
    world.operator.start()
    world.operator.wait_ready()
    world.until(lambda: not world.list("controllerrevision", project), "all moved")
    assert numbers(world, namespace) == [2, 3]
    world.delete("scs", "c1", namespace=namespace)
    world.gone("scs", "c1", namespace)
    again = world.commit(namespace, "app:create app1", name="c1")["status"]
    assert (again["phase"], again["revision"]) == ("Committed", 1), "the ledger knows it"
    # From now on a ConfigMap of that name is anybody's.
    world.until(lambda: config_map(world, project) is None, "the end of the ConfigMap")
    asked = content_hash(ChangesetSpec.model_validate({**spec, "commands": ["app:create late"]}))
    pruned["data"] = {"late": json.dumps({"content": asked, "revision": 1})}  # type: ignore[assignment]
    world.sandbox.kubectl(*line, input=json.dumps(pruned))
    late = world.commit(namespace, "app:create late", name="late")["status"]
    assert (late["phase"], late["revision"]) == ("Committed", 4)
    assert world.get("sapp", "late", namespace) is not None
    world.delete("project.setops.co", project)


def config_map(world: World, project: str) -> str | None:
    line = ("get", "configmap", "production-ledger", "-n", project, "--output=name")
    return world.sandbox.kubectl(*line, check=False).stdout.strip() or None
