"""Deletion ends well from whichever end it starts, and leaves nothing behind.

Namespaces take seconds to go, so everything that is to be deleted is deleted at once, and each
test looks at how one of them ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import boto3
import pytest

from sandbox import Sandbox
from tests.cluster.world import Object, World, changeset, manifest, organization

PROJECT = "project.setops.co"

FROM_THE_PROJECT = "endproject"
FROM_THE_STAGE = "endstage"
FROM_ITS_NAMESPACE = "endstagens"
FROM_THE_PROJECTS_NAMESPACE = "endprojectns"
ALL_AT_ONCE = "endall"
WITHOUT_ORGANIZATION = "endforced"
HELD = "endheld"
"""Stays until the tests of what holds a deletion up have tried to delete it."""
PROJECTS = {
    FROM_THE_PROJECT: "acme",
    FROM_THE_STAGE: "acme",
    FROM_ITS_NAMESPACE: "acme",
    FROM_THE_PROJECTS_NAMESPACE: "acme",
    ALL_AT_ONCE: "acme",
    WITHOUT_ORGANIZATION: "forced",
    HELD: "held",
}
"""Projects with their Organizations."""
COMMANDS = (
    "app:create web",
    "--app web release:create registry.example.com/web:1",
    "--app web release:activate 1",
    "--app web resource:set scale 2",
    "service:create store --type s3",
    "--app web link:create store --env-key STORE_URL",
)


def stage_namespace(project: str) -> str:
    """The namespace of a Project's one Stage."""
    return f"{project}-production"


@dataclass(frozen=True)
class Before:
    """What was there before the deletions began."""

    namespaces: Mapping[str, str]
    """Their uids by their names."""
    users: Mapping[str, Sequence[str]]
    """IAM users by Project."""


@pytest.fixture(scope="module")
def before(world: World) -> Before:
    """Projects with all that they can have; the deletions that should go through have begun."""
    furnish(world)
    namespaces = {
        found["metadata"]["name"]: found["metadata"]["uid"] for found in world.list("namespaces")
    }
    there = Before(namespaces, {project: users(world.sandbox, project) for project in PROJECTS})
    world.delete(PROJECT, FROM_THE_PROJECT)
    world.delete("sstage", "production", namespace=FROM_THE_STAGE)
    world.delete("namespace", stage_namespace(FROM_ITS_NAMESPACE), FROM_THE_PROJECTS_NAMESPACE)
    everything = [*objects(world, ALL_AT_ONCE), *objects(world, stage_namespace(ALL_AT_ONCE))]
    world.delete_all([manifest("Project", ALL_AT_ONCE, {}), *everything])
    world.delete("sorg", "forced", "held")
    return there


def furnish(world: World) -> None:
    """Make all Projects, each with a Stage that has all that a Stage can have."""
    world.apply(*(organization(name) for name in sorted(set(PROJECTS.values()))))
    world.apply(*(manifest("Project", name, {"organization": o}) for name, o in PROJECTS.items()))
    for name in PROJECTS:
        world.wait(PROJECT, name)
    world.apply(
        *(
            manifest("Stage", "production", {"deletionProtection": name == HELD}, name)
            for name in PROJECTS
        )
    )
    for name in PROJECTS:
        world.wait("sstage", "production", name)
    mail = {"type": "email", "target": "dev@example.com"}
    for namespace in map(stage_namespace, PROJECTS):
        world.apply(
            changeset(namespace, "furnish", *COMMANDS),
            manifest("Notification", "mail", mail, namespace),
        )
    for name in PROJECTS:
        world.wait("scs", "furnish", stage_namespace(name), "Complete")


def objects(world: World, namespace: str) -> Sequence[Object]:
    """All objects of ours in a namespace; the category has cluster-scoped ones, too."""
    listed = world.list("setops", namespace)
    return [item for item in listed if item["metadata"].get("namespace") == namespace]


def users(sandbox: Sandbox, project: str) -> list[str]:
    """The IAM users of a Project."""
    iam = boto3.client(
        "iam",
        endpoint_url=sandbox.aws_endpoint,
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    pages = iam.get_paginator("list_users").paginate()
    names = [user["UserName"] for page in pages for user in page["Users"]]
    return [name for name in names if name.startswith(f"setops-{project}-")]


def nothing_is_left(world: World, project: str, namespaces: Sequence[str]) -> None:
    """Neither in these namespaces nor at AWS is anything left of a Project's Stage."""
    for namespace in namespaces:
        world.gone("namespace", namespace)
    listed = world.sandbox.kubectl(
        "get", ",".join(namespaced_kinds(world)), "-A", "--no-headers", "-o", COLUMNS
    )
    rows = [line.split() for line in listed.stdout.splitlines()]
    assert not [row for row in rows if row[0] in namespaces]
    assert not users(world.sandbox, project)


COLUMNS = "custom-columns=NS:.metadata.namespace,KIND:.kind,NAME:.metadata.name"


def namespaced_kinds(world: World) -> list[str]:
    """All kinds that live in namespaces."""
    return world.sandbox.kubectl(
        "api-resources", "--namespaced", "--verbs=list", "--output=name"
    ).stdout.split()


def test_there_was_something_to_delete(before: Before) -> None:
    for project in PROJECTS:
        assert before.users[project], project
        assert before.namespaces[stage_namespace(project)]


def test_from_the_project(world: World, before: Before) -> None:
    assert FROM_THE_PROJECT in before.namespaces
    world.gone(PROJECT, FROM_THE_PROJECT)
    nothing_is_left(world, FROM_THE_PROJECT, [FROM_THE_PROJECT, stage_namespace(FROM_THE_PROJECT)])


def test_all_at_once(world: World, before: Before) -> None:
    """As a prune of everything does it: parents wait for their children by finalizers."""
    assert ALL_AT_ONCE in before.namespaces
    world.gone(PROJECT, ALL_AT_ONCE)
    nothing_is_left(world, ALL_AT_ONCE, [ALL_AT_ONCE, stage_namespace(ALL_AT_ONCE)])


def test_from_the_stage(world: World, before: Before) -> None:
    assert FROM_THE_STAGE in before.namespaces
    world.gone("sstage", "production", FROM_THE_STAGE)
    nothing_is_left(world, FROM_THE_STAGE, [stage_namespace(FROM_THE_STAGE)])
    said = f"namespace {FROM_THE_STAGE}, no Stage yet"
    world.until(
        lambda: world.says(PROJECT, FROM_THE_STAGE, "", "Ready", "Ready") == said,
        "a Project without Stages",
    )


def test_a_stage_of_the_same_name_begins_anew(world: World, before: Before) -> None:
    """The revisions of the first one have gone with its namespace."""
    assert FROM_THE_STAGE in before.namespaces
    world.gone("sstage", "production", FROM_THE_STAGE)
    world.apply(manifest("Stage", "production", {}, FROM_THE_STAGE))
    stage = world.wait("sstage", "production", FROM_THE_STAGE)
    assert stage["status"].get("revision", 0) == 0
    namespace = stage["status"]["namespace"]
    world.apply(changeset(namespace, "again", "app:create worker"))
    ended = world.wait("scs", "again", namespace, "Complete")
    assert ended["status"]["revision"] == 1
    made = world.get("controllerrevision", "production-1", namespace)
    assert made is not None
    assert set(made["data"]["definition"]["apps"]) == {"worker"}


def test_from_the_stages_namespace(world: World, before: Before) -> None:
    """The Stage still wants its namespace, so it comes again; what lay in it does not."""
    namespace = stage_namespace(FROM_ITS_NAMESPACE)
    made_again(world, before, namespace)
    world.wait("sstage", "production", FROM_ITS_NAMESPACE)
    assert not objects(world, namespace)
    assert not world.list("deployments,secrets,poddisruptionbudgets", namespace)
    assert not users(world.sandbox, FROM_ITS_NAMESPACE)
    said = f"namespace {namespace}, 0 of 0 Apps and 0 of 0 Services ready"
    world.until(
        lambda: world.says("sstage", "production", FROM_ITS_NAMESPACE, "Ready", "Ready") == said,
        "a Stage that counts nothing",
    )
    assert world.list("networkpolicies", namespace), "it isolates the Stage as before"
    ended = world.commit(namespace, "app:create web")
    assert ended["status"]["phase"] == "Committed", "a Stage to work with"
    # Those of the first namespace went with it, and the next one says that all of it is gone.
    assert ended["status"]["revision"] > 2


def test_from_the_projects_namespace(world: World, before: Before) -> None:
    world.gone("namespace", stage_namespace(FROM_THE_PROJECTS_NAMESPACE))
    made_again(world, before, FROM_THE_PROJECTS_NAMESPACE)
    world.wait(PROJECT, FROM_THE_PROJECTS_NAMESPACE)
    assert not objects(world, FROM_THE_PROJECTS_NAMESPACE)
    nothing_is_left(
        world, FROM_THE_PROJECTS_NAMESPACE, [stage_namespace(FROM_THE_PROJECTS_NAMESPACE)]
    )


def made_again(world: World, before: Before, namespace: str) -> None:
    """Wait until a namespace is there to stay that was made after the deletions began."""

    def comes() -> bool:
        found = world.get("namespace", namespace)
        return (
            found is not None
            and found["metadata"]["uid"] != before.namespaces[namespace]
            and found["status"]["phase"] == "Active"
        )

    world.until(comes, f"namespace {namespace} made again")


def test_an_organization_with_projects_is_held(world: World, before: Before) -> None:
    assert HELD in before.namespaces
    assert world.says("sorg", "held", "", "Reconciling", "Deleting") == (
        f"still hosts 1 Project ({HELD}); delete them first"
    )
    assert world.wait(PROJECT, HELD)["status"]["namespace"] == HELD


def test_an_organization_that_is_forced_away(world: World, before: Before) -> None:
    """Somebody takes the finalizer off. What deleting Services needs is in their own status."""
    assert before.users[WITHOUT_ORGANIZATION]
    world.says("sorg", "forced", "", "Reconciling", "Deleting")
    world.patch("sorg", "forced", "", {"metadata": {"finalizers": []}})
    world.gone("sorg", "forced")
    said = world.says(PROJECT, WITHOUT_ORGANIZATION, "", "Reconciling", "OrganizationDoesNotExist")
    assert said.startswith("Organization 'forced' doesn't exist; create it, "), said
    world.wait("ssvc", "store", stage_namespace(WITHOUT_ORGANIZATION))
    world.delete(PROJECT, WITHOUT_ORGANIZATION)


def test_a_linked_service_is_held(world: World, before: Before) -> None:
    namespace = stage_namespace(HELD)
    world.delete("ssvc", "store", namespace=namespace)
    assert world.says("ssvc", "store", namespace, "Reconciling", "ServiceLinked") == (
        "linked by web; unlink it first (--app web link:destroy store)"
    )
    assert users(world.sandbox, HELD) == before.users[HELD], "the App still needs it"
    unlink = '[{"op": "remove", "path": "/spec/links"}]'
    world.sandbox.kubectl("patch", "sapp", "web", "-n", namespace, "--type=json", "-p", unlink)
    world.gone("ssvc", "store", namespace)
    assert not users(world.sandbox, HELD)
    world.gone("secret", "service-store", namespace)


def test_a_protected_stage_stays_until_it_is_not(world: World, before: Before) -> None:
    namespace = stage_namespace(HELD)
    assert namespace in before.namespaces
    assert PROTECTED in labels(world, namespace), "from its first moment on"
    refused = world.sandbox.kubectl("delete", "sstage", "production", "-n", HELD, check=False)
    assert (
        f"Stage {HELD}/production is protected from deletion: "
        "set its spec.deletionProtection to false first"
    ) in refused.stderr
    refused = world.sandbox.kubectl("delete", "namespace", namespace, check=False)
    assert f"Namespace {namespace} belongs to a Stage that is protected" in refused.stderr

    world.delete(PROJECT, HELD)
    said = world.says(PROJECT, HELD, "", "Reconciling", "Deleting")
    assert "is protected from deletion" in said, "whoever deletes the Project reads why it stays"

    world.patch("sstage", "production", HELD, {"spec": {"deletionProtection": False}})
    world.gone(PROJECT, HELD)
    nothing_is_left(world, HELD, [HELD, namespace])
    world.gone("sorg", "held")


PROTECTED = "setops.co/deletion-protection"


def labels(world: World, namespace: str) -> Object:
    """The labels of a namespace."""
    found = world.get("namespace", namespace)
    assert found is not None
    described: Object = found["metadata"]["labels"]
    return described


def test_without_an_organization(world: World, before: Before) -> None:
    assert WITHOUT_ORGANIZATION in before.namespaces
    world.gone(PROJECT, WITHOUT_ORGANIZATION)
    namespaces = [WITHOUT_ORGANIZATION, stage_namespace(WITHOUT_ORGANIZATION)]
    nothing_is_left(world, WITHOUT_ORGANIZATION, namespaces)
