"""What Argo CD and Flux ask of the resources, tried without them.

A tool that syncs from Git compares specs, reads conditions, prunes what it thinks is its own, and
may apply the same Changeset again and again.
"""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.cluster.world import World, changeset, manifest, organization

IMAGE: Final = "registry.example.com/web:1"
_LOOKS: Final = 5
TRACKING: Final = "argocd.argoproj.io/tracking-id"


@pytest.fixture(scope="module")
def namespace(world: World) -> str:
    """A Stage for all tests of this module."""
    return world.stage("gitops")


def diff(world: World, *manifests: dict[str, Any], server_side: bool) -> str:
    """What `kubectl diff` says about manifests, again and again; empty when it says nothing once.

    It reads each object twice, and shows a status that was written in between, too.
    """
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
    mode = ("--server-side", "--force-conflicts") if server_side else ()
    told = ""
    for _ in range(_LOOKS):
        result = world.sandbox.kubectl("diff", *mode, "-f", "-", input=listed, check=False)
        assert result.returncode in (0, 1), result.stderr
        told = result.stdout
        if not told:
            break
    return told


@pytest.mark.parametrize("server_side", [True, False], ids=["server-side", "client-side"])
def test_what_was_applied_stays_in_sync(world: World, namespace: str, server_side: bool) -> None:
    name = "server" if server_side else "client"
    manifests = (
        manifest("App", name, {"image": IMAGE, "env": {"A": {"value": "1"}}}, namespace),
        manifest("Service", name, {"type": "s3"}, namespace),
        manifest("Notification", name, {"type": "email", "target": "a@example.com"}, namespace),
    )
    listed = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
    mode = ("--server-side",) if server_side else ()
    world.sandbox.kubectl("apply", *mode, "-f", "-", input=json.dumps(listed))
    for kind in ("sapp", "ssvc", "snotify"):
        world.wait(kind, name, namespace)
    assert diff(world, *manifests, server_side=server_side) == ""


@pytest.mark.parametrize("server_side", [True, False], ids=["server-side", "client-side"])
def test_what_stages_stand_on_stays_in_sync(world: World, server_side: bool) -> None:
    name = "syncserver" if server_side else "syncclient"
    manifests = (
        organization(name),
        manifest("Project", name, {"organization": name}),
        manifest("Stage", "production", {"quota": {"containers": 5}}, name),
        changeset(f"{name}-production", "begin", "app:create web"),
    )
    mode = ("--server-side",) if server_side else ()
    for one, (what, namespace, condition) in zip(
        manifests,
        (
            ("sorg", "", "Ready"),
            ("sproj", "", "Ready"),
            ("sstage", name, "Ready"),
            ("scs", f"{name}-production", "Complete"),
        ),
        strict=True,
    ):
        world.sandbox.kubectl("apply", *mode, "-f", "-", input=json.dumps(one))
        world.wait(what, one["metadata"]["name"], namespace, condition)
    assert diff(world, *manifests, server_side=server_side) == ""


def test_only_status_and_finalizers_of_custom_resources_are_written(
    world: World, namespace: str
) -> None:
    mail = {"type": "email", "target": "a@example.com"}
    world.apply(
        manifest("App", "owned", {"image": IMAGE}, namespace),
        manifest("Service", "owned", {"type": "s3"}, namespace),
        manifest("Notification", "owned", mail, namespace),
        changeset(namespace, "owned", "--app owned resource:set scale 1"),
    )
    for what, name, where, condition in (
        ("sorg", "acme", "", "Ready"),
        ("sproj", "gitops", "", "Ready"),
        ("sstage", "production", "gitops", "Ready"),
        ("sapp", "owned", namespace, "Ready"),
        ("ssvc", "owned", namespace, "Ready"),
        ("snotify", "owned", namespace, "Ready"),
        ("scs", "owned", namespace, "Complete"),
    ):
        found = world.wait(what, name, where, condition)
        ours = [e for e in found["metadata"]["managedFields"] if e["manager"] == "setops"]
        assert {entry.get("subresource", "") for entry in ours} >= {"status"}, what
        for entry in ours:
            fields = entry["fieldsV1"]
            assert "f:spec" not in fields, f"{what}: the operator wrote the spec"
            assert set(fields.get("f:metadata", {})) <= {"f:finalizers"}, what


def test_field_absent_from_git_keeps_its_live_value(world: World, namespace: str) -> None:
    app = manifest("App", "keeps", {"image": IMAGE}, namespace)
    world.apply(app)
    world.wait("sapp", "keeps", namespace)
    world.sandbox.kubectl("scale", "sapp/keeps", "--replicas=2", "-n", namespace)
    world.apply(app)
    found = world.wait("sapp", "keeps", namespace)
    assert found["spec"]["resources"]["scale"] == 2


def test_every_child_has_a_controller_and_no_tracking(world: World, namespace: str) -> None:
    app = manifest("App", "tracked", {"image": IMAGE, "resources": {"scale": 2}}, namespace)
    app["metadata"]["annotations"] = {TRACKING: "stage:setops.co/App:gitops/tracked"}
    app["metadata"]["labels"] = {"app.kubernetes.io/instance": "stage"}
    world.apply(app)
    world.wait("sapp", "tracked", namespace)
    kinds = (
        "serviceaccounts,services,deployments,poddisruptionbudgets,networkpolicies,"
        "resourcequotas,secrets,pods"
    )
    children = world.list(kinds, namespace, "app.kubernetes.io/managed-by=setops")
    assert {child["kind"] for child in children} >= {"Deployment", "Service", "Pod"}
    assert world.commit(namespace, "app:create revised")["status"]["phase"] == "Committed"
    revisions = world.list("controllerrevisions", namespace)
    assert revisions
    for child in [*children, *revisions]:
        metadata = child["metadata"]
        where = f"{child['kind']} {metadata['name']}"
        owners = metadata.get("ownerReferences", ())
        assert [owner.get("controller") for owner in owners] == [True], where
        assert "app.kubernetes.io/instance" not in metadata.get("labels", {}), where
        marks = [key for key in metadata.get("annotations", {}) if "argocd" in key]
        assert marks == [], where


def test_finished_changeset_is_inert(world: World, namespace: str) -> None:
    wanted = changeset(namespace, "once", "app:create once", "--app once resource:set scale 2")
    world.apply(wanted)
    world.until(lambda: world.phase(namespace, "once") == "Committed", "the commit")
    revision = (world.get("scs", "once", namespace) or {})["status"]["revision"]

    again = world.sandbox.kubectl("apply", "-f", "-", input=json.dumps(wanted))
    assert again.stdout.strip() == "changeset.setops.co/once unchanged"

    refused = world.refusal(changeset(namespace, "once", "app:create another"))
    assert "the Changeset has ended and can't be edited" in refused

    world.sandbox.kubectl("delete", "scs", "once", "-n", namespace)
    assert world.get("sapp", "once", namespace) is not None, "pruning it has no effect"

    # What happened since must not be undone by a tool that makes the Changeset anew.
    world.sandbox.kubectl("scale", "sapp/once", "--replicas=3", "-n", namespace)
    world.apply(wanted)
    world.until(lambda: world.phase(namespace, "once") == "Committed", "the recognition")
    found = world.get("scs", "once", namespace)
    assert found is not None
    assert found["status"]["revision"] == revision
    app = world.get("sapp", "once", namespace)
    assert app is not None
    assert app["spec"]["resources"]["scale"] == 3, "it did not run again"


def test_ready_means_that_the_namespace_is_there(world: World) -> None:
    """Later waves apply into the namespace as soon as Project and Stage are Ready."""
    world.apply(manifest("Project", "waves", {"organization": "acme"}))
    for what, name, where, made in (
        ("project.setops.co", "waves", "", "waves"),
        ("sstage", "production", "waves", "waves-production"),
    ):
        if what == "sstage":
            world.apply(manifest("Stage", name, {}, where))
        found = world.wait(what, name, where)
        assert world.get("namespace", made) is not None
        assert found["status"]["namespace"] == made
        assert found["status"]["observedGeneration"] == found["metadata"]["generation"]


@pytest.mark.parametrize(
    ("what", "name", "condition"),
    [
        ("sorg", "acme", "Ready"),
        ("project.setops.co", "gitops", "Ready"),
        ("sstage", "production", "Ready"),
        ("sapp", "waited", "Ready"),
        ("ssvc", "waited", "Ready"),
        ("snotify", "waited", "Ready"),
        ("scs", "waited", "Complete"),
    ],
)
def test_kubectl_wait_understands_every_kind(
    world: World, namespace: str, what: str, name: str, condition: str
) -> None:
    if name == "waited" and world.get("scs", "waited", namespace) is None:
        world.apply(
            manifest("App", "waited", {"image": IMAGE}, namespace),
            manifest("Service", "waited", {"type": "s3"}, namespace),
            manifest(
                "Notification", "waited", {"type": "email", "target": "a@example.com"}, namespace
            ),
            changeset(namespace, "waited", "--app waited resource:set scale 2"),
        )
    places = {"waited": ("-n", namespace), "production": ("-n", "gitops")}
    place = places.get(name, ())
    world.sandbox.kubectl("wait", f"--for=condition={condition}", what, name, *place)
