"""What somebody with rights elsewhere, or with few here, can't make the operator do.

One operator, one Project with a Stage that has a bucket, and people around it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from setops.aws.target import Account
from tests.cluster.aws.story import Root
from tests.cluster.world import Object, World, changeset, manifest

PROJECT: Final = "trusted"
STAGE: Final = f"{PROJECT}-production"
BUCKET: Final = {"type": "s3", "deletionPolicy": "Delete"}
PAUSED: Final = {"metadata": {"annotations": {"setops.co/paused": "true"}}}
RESUMED: Final = {"metadata": {"annotations": {"setops.co/paused": None}}}


@pytest.fixture(scope="module")
def stage(world: World) -> Iterator[str]:
    """The Stage with its bucket, ready."""
    namespace = world.stage(PROJECT)
    ended = world.commit(namespace, "service:create data --type s3")
    assert ended["status"]["phase"] == "Committed"
    yield namespace
    world.delete("project.setops.co", PROJECT)


@pytest.fixture(scope="module")
def root(world: World) -> Root:
    """The account's owner, at the emulator."""
    return Root(Account("000000000000", "eu-central-1", endpoint_url=world.sandbox.aws_endpoint))


def ids(world: World, namespace: str, name: str) -> dict[str, str]:
    """The names at AWS of a Service's parts."""
    found = world.get("ssvc", name, namespace)
    assert found is not None
    return dict(found["status"].get("ids") or {})


def namespace(name: str, **labels: str) -> Object:
    """A namespace with labels of ours and others."""
    ours = {
        f"setops.co/{label}" if label != "managed" else "app.kubernetes.io/managed-by": value
        for label, value in labels.items()
    }
    metadata: dict[str, Any] = {"name": name, "labels": ours}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        pytest.param("evil", {"project": PROJECT, "stage": "production"}, id="another's labels"),
        pytest.param("eviltwo-production", {"project": PROJECT, "stage": "production"}, id="dash"),
        pytest.param("evilthree", {"project": "evilthree", "stage": "production"}, id="own labels"),
    ],
)
def test_a_namespace_with_our_labels_is_no_stages(
    world: World, root: Root, stage: str, name: str, labels: dict[str, str]
) -> None:
    """The first attack: another Stage's bucket under a Service in a namespace of one's own.

    An administrator may write the labels, so what is proved is that they decide nothing.
    """
    parts = ids(world, stage, "data")
    keys = root.keys(parts["user"])
    world.apply(namespace(name, managed="setops", **labels))
    world.apply(
        manifest("Stage", "production", {}, name), manifest("Service", "data", BUCKET, name)
    )
    world.says("ssvc", "data", name, "Stalled", "StageDoesNotExist")
    world.says("sstage", "production", name, "Stalled", "ProjectDoesNotExist")
    assert ids(world, name, "data") == {}
    assert world.get("secrets", "service-data", name) is None
    world.delete("ssvc", "data", namespace=name)
    world.gone("ssvc", "data", name)
    assert parts["bucket"] in root.buckets()
    assert root.keys(parts["user"]) == keys
    world.delete("namespace", name)


def test_a_restored_status_claims_nothing_of_another_service(
    world: World, root: Root, stage: str
) -> None:
    """A backup of one Stage restored with its statuses into another Stage's namespace."""
    original = world.get("ssvc", "data", stage)
    assert original is not None
    world.apply(manifest("Stage", "staging", {}, PROJECT))
    world.wait("sstage", "staging", PROJECT)
    clone = f"{PROJECT}-staging"
    paused = manifest("Service", "data", BUCKET, clone)
    paused["metadata"]["annotations"] = {"setops.co/paused": "true"}
    world.apply(paused)
    status = {name: original["status"][name] for name in ("target", "ids", "secret")}
    restore(world, "ssvc", "data", clone, status)
    world.patch("ssvc", "data", clone, RESUMED)
    said = world.says("ssvc", "data", clone, "Stalled", "ObjectTaken")
    assert f"belong to Service 'data' of Stage 'production' of Project '{PROJECT}'" in said
    assert world.get("secrets", "service-data", clone) is None
    world.delete("ssvc", "data", namespace=clone)
    world.gone("ssvc", "data", clone)
    assert original["status"]["ids"]["bucket"] in root.buckets()


def restore(world: World, what: str, name: str, namespace: str, status: Object) -> None:
    """Write a status as a restore does that keeps statuses."""
    place = ("-n", namespace, "--subresource=status", "--type=merge")
    patch = json.dumps({"status": status})
    world.sandbox.kubectl("patch", what, name, *place, "--patch", patch)


def test_what_a_lost_status_named_is_found_again(world: World, stage: str) -> None:
    """A restore that keeps no status: the Stage takes its namespace anew, and all goes on."""
    before = ids(world, stage, "data")
    restore(world, "sstage", "production", PROJECT, {"namespace": None, "conditions": None})
    world.until(
        lambda: (
            (world.get("sstage", "production", PROJECT) or {})["status"].get("namespace") == stage
        ),
        "the namespace in the status",
    )
    world.apply(manifest("Service", "later", BUCKET, stage))
    world.wait("ssvc", "later", stage)
    assert ids(world, stage, "data") == before


def test_a_pause_holds_no_begun_commit(world: World, stage: str) -> None:
    """Whoever may pause it: the lock is free again when its time is over."""
    image = "registry.example.com/does-not-exist:1"
    lines = ("app:create stuck", f"--app stuck release:create {image}")
    world.apply(changeset(stage, "held", *lines, "--app stuck release:activate 1", timeout=5))
    world.until(lambda: world.phase(stage, "held") == "Applying", "its beginning")
    world.patch("scs", "held", stage, PAUSED)
    world.until(lambda: world.phase(stage, "held") == "Failed", "its end")
    world.lock_is_freed(stage)
    assert world.get("sapp", "stuck", stage) is None


AUTHORITY: Final = (
    "rolled-back",
    "version-put-back",
    "adopted",
    "deletion-policy",
    "deletion-protection",
    "released",
    "changeset",
    "changeset-uid",
    "content-hash",
    "definition-hash",
    "desired",
    "edited-by",
    "edited-fields",
    "secret-hash",
    "organization",
    "project",
    "stage",
    "service",
    "app",
    "operator",
)
"""What somebody may write under `setops.co/` on a Service, hoping that the operator obeys."""


@pytest.mark.parametrize("place", ["annotations", "labels"])
def test_no_mark_of_a_member_makes_a_commit_delete_data(
    world: World, root: Root, stage: str, place: str
) -> None:
    """The plan says that the data stays at AWS, and so it does."""
    name = f"marked-{place[:3]}"
    ended = world.commit(stage, f"service:create {name} --type s3")
    assert ended["status"]["phase"] == "Committed"
    bucket = ids(world, stage, name)["bucket"]
    marks = {f"setops.co/{mark}": "true" for mark in AUTHORITY}
    marks["setops.co/version-put-back" if place == "annotations" else "setops.co/x"] = "15"
    world.patch("ssvc", name, stage, {"metadata": {place: marks}})
    ended = world.commit(stage, f"service:destroy {name}")
    assert ended["status"]["phase"] == "Committed"
    world.gone("ssvc", name, stage)
    assert bucket in root.buckets()


def test_a_rollback_still_takes_back_what_its_commit_has_made(
    world: World, root: Root, stage: str
) -> None:
    lines = ("service:create fresh --type s3", "app:create stuck")
    image = "registry.example.com/does-not-exist:1"
    more = (f"--app stuck release:create {image}", "--app stuck release:activate 1")
    ended = world.commit(stage, *lines, *more, timeout=10)
    assert ended["status"]["phase"] == "Failed"
    world.gone("ssvc", "fresh", stage)
    assert not [bucket for bucket in root.buckets() if "-fresh-" in bucket]


def test_a_protection_that_comes_after_the_deletion_still_holds(world: World, root: Root) -> None:
    """Paused, deleted, protected, resumed: the admission policy has nothing to say to any of it."""
    project = "latelyheld"
    namespace = world.stage(project)
    world.commit(namespace, "service:create data --type s3", "app:create web")
    world.patch("ssvc", "data", namespace, {"spec": {"deletionPolicy": "Delete"}})
    world.wait("ssvc", "data", namespace)
    bucket = ids(world, namespace, "data")["bucket"]
    world.patch("sstage", "production", project, PAUSED)
    world.delete("sstage", "production", namespace=project)
    world.patch("sstage", "production", project, {"spec": {"deletionProtection": True}})
    world.patch("sstage", "production", project, RESUMED)
    said = world.says("sstage", "production", project, "Reconciling", "Deleting")
    assert "is protected from deletion, so nothing of it is touched" in said
    world.delete("project.setops.co", project)
    said = world.says("project.setops.co", project, "", "Reconciling", "Deleting")
    assert "Stage 'production', which is protected from deletion" in said
    for what, name in (("ssvc", "data"), ("sapp", "web")):
        found = world.get(what, name, namespace)
        assert found is not None
        assert "deletionTimestamp" not in found["metadata"]
    assert bucket in root.buckets()
    world.patch("sstage", "production", project, {"spec": {"deletionProtection": False}})
    world.gone("project.setops.co", project)
    assert bucket not in root.buckets()
