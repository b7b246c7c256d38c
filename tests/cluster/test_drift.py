"""What somebody changes behind the operator's back is put right; what isn't ours is left alone."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from tests.cluster.world import Object, World, manifest

IMAGE = "registry.example.com/web:1"
SPEC = {
    "image": IMAGE,
    "network": {"public": True},
    "resources": {"scale": 2},
    "env": {"MODE": {"value": "live"}},
}


@pytest.fixture(scope="module")
def stage(world: World) -> str:
    """The namespace of a Stage with a quota and an App that has every kind of child."""
    namespace = world.stage("drift")
    world.patch("sstage", "production", "drift", {"spec": {"quota": {"memory": 65536}}})
    world.apply(manifest("App", "web", SPEC, namespace))
    world.wait("sapp", "web", namespace)
    world.until(lambda: world.get("resourcequota", "stage", namespace) is not None, "the quota")
    return namespace


CHILDREN = [
    ("serviceaccount", "app-web"),
    ("service", "web"),
    ("networkpolicy", "app-web"),
    ("deployment", "web"),
    ("pdb", "web"),
    ("networkpolicy", "stage-deny-all"),
    ("networkpolicy", "stage-allow-within"),
    ("networkpolicy", "stage-allow-egress"),
    ("resourcequota", "stage"),
]


def content(found: Object | None) -> Object:
    """What an object is meant to be: without its status, and what every write changes."""
    assert found is not None
    kept = {name: value for name, value in found.items() if name not in ("metadata", "status")}
    owners = found["metadata"].get("ownerReferences")
    return {**kept, "labels": found["metadata"].get("labels"), "owners": owners}


def has(world: World, what: str, name: str, namespace: str, wanted: Object) -> bool:
    """Whether an object is what it is meant to be."""
    found = world.get(what, name, namespace)
    return found is not None and content(found) == wanted


@pytest.mark.parametrize(("what", "name"), CHILDREN)
def test_a_child_that_is_deleted_comes_again(
    world: World, stage: str, what: str, name: str
) -> None:
    before = world.get(what, name, stage)
    wanted = {**content(before), "spec": {}}
    world.delete("services" if what == "service" else what, name, namespace=stage)

    def comes() -> bool:
        found = world.get(what, name, stage)
        return (
            found is not None
            and before is not None
            and found["metadata"]["uid"] != before["metadata"]["uid"]
            and {**content(found), "spec": {}} == wanted
        )

    world.until(comes, f"{what}/{name} made again")


@pytest.mark.parametrize(
    ("what", "name", "patch"),
    [
        pytest.param(
            "serviceaccount",
            "app-web",
            {"automountServiceAccountToken": True},
            id="pods that get a token",
        ),
        pytest.param(
            "service", "web", {"spec": {"selector": {"setops.co/app": "other"}}}, id="other pods"
        ),
        pytest.param(
            "service", "web", {"spec": {"selector": {"tier": "one"}}}, id="one more pod label"
        ),
        pytest.param(
            "service",
            "web",
            {
                "spec": {
                    "ports": [{"name": "http", "port": 5000, "targetPort": 9, "protocol": "TCP"}]
                }
            },
            id="another port",
        ),
        pytest.param("networkpolicy", "app-web", {"spec": {"ingress": [{}]}}, id="open to all"),
        pytest.param("deployment", "web", {"spec": {"replicas": 5}}, id="more containers"),
        pytest.param("deployment", "web", {"spec": {"paused": True}}, id="a paused rollout"),
        pytest.param(
            "deployment",
            "web",
            {"spec": {"template": {"spec": {"automountServiceAccountToken": True}}}},
            id="a token in the pods",
        ),
        pytest.param(
            "deployment",
            "web",
            {
                "spec": {
                    "template": {
                        "spec": {"initContainers": [{"name": "init", "image": "example.com/init"}]}
                    }
                }
            },
            id="something that runs before",
        ),
        pytest.param("pdb", "web", {"spec": {"maxUnavailable": 2}}, id="more disruption"),
        pytest.param(
            "networkpolicy",
            "stage-deny-all",
            {"spec": {"podSelector": {"matchLabels": {"some": "pods"}}}},
            id="a Stage that denies less",
        ),
        pytest.param(
            "networkpolicy",
            "stage-allow-within",
            {"spec": {"ingress": [{}]}},
            id="a Stage that lets all in",
        ),
        pytest.param(
            "resourcequota",
            "stage",
            {"spec": {"hard": {"requests.memory": "1Ti"}}},
            id="a larger quota",
        ),
        pytest.param(
            "resourcequota", "stage", {"spec": {"hard": {"pods": "1"}}}, id="one more limit"
        ),
        pytest.param(
            "deployment",
            "web",
            {"metadata": {"labels": {"setops.co/app": "other"}}},
            id="another App's label",
        ),
        pytest.param(
            "deployment",
            "web",
            {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}},
            id="a label without which it isn't watched",
        ),
        pytest.param(
            "service", "web", {"metadata": {"ownerReferences": None}}, id="a child without parents"
        ),
    ],
)
def test_a_child_that_is_changed_is_put_right(
    world: World, stage: str, what: str, name: str, patch: Object
) -> None:
    wanted = content(world.get(what, name, stage))
    world.patch("services" if what == "service" else what, name, stage, patch)
    world.until(lambda: has(world, what, name, stage, wanted), f"{what}/{name} put right")


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"name": "app", "image": "registry.example.com/miner:1"}, id="image"),
        pytest.param(
            {"name": "app", "env": [{"name": "MORE", "value": "x"}]}, id="a variable more"
        ),
        pytest.param({"name": "app", "env": [{"name": "MODE", "value": "test"}]}, id="its value"),
        pytest.param({"name": "app", "command": ["miner"]}, id="a command where there was none"),
        pytest.param(
            {"name": "app", "livenessProbe": {"exec": {"command": ["x"]}}}, id="a check more"
        ),
        pytest.param({"name": "app", "resources": {"limits": {"cpu": "1"}}}, id="a limit more"),
        pytest.param({"name": "side", "image": "registry.example.com/side:1"}, id="a container"),
    ],
)
def test_a_container_that_is_changed_is_put_right(world: World, stage: str, patch: Object) -> None:
    wanted = content(world.get("deployment", "web", stage))
    containers = {"spec": {"template": {"spec": {"containers": [patch]}}}}
    world.sandbox.kubectl(
        "patch", "deployment", "web", "-n", stage, "--type=strategic", "-p", json.dumps(containers)
    )
    world.until(lambda: has(world, "deployment", "web", stage, wanted), "a container put right")


def test_a_namespace_that_is_changed_is_put_right(world: World, stage: str) -> None:
    wanted = content(world.get("namespace", stage))
    labels = {"pod-security.kubernetes.io/enforce": "privileged", "setops.co/organization": "other"}
    world.patch("namespace", stage, "", {"metadata": {"labels": labels}})
    world.until(lambda: has(world, "namespace", stage, "", wanted), "the namespace put right")


def test_what_others_note_on_a_child_stays(world: World, stage: str) -> None:
    note = {"example.com/team": "blue"}
    theirs = {"metadata": {"labels": note, "annotations": note}}
    for what, name in CHILDREN:
        world.patch("services" if what == "service" else what, name, stage, theirs)
    world.patch("deployment", "web", stage, {"spec": {"replicas": 1}})
    world.until(lambda: replicas(world, "web", stage) == 2, "the Deployment put right")
    world.patch("sapp", "web", stage, {"spec": {"network": {"port": 8080}}})
    world.wait("sapp", "web", stage)
    for what, name in CHILDREN:
        found = world.get(what, name, stage)
        assert found is not None
        assert found["metadata"]["labels"]["example.com/team"] == "blue", (what, name)
        assert found["metadata"]["annotations"]["example.com/team"] == "blue", (what, name)


def replicas(world: World, name: str, namespace: str) -> int:
    """For how many pods a Deployment asks."""
    found = world.get("deployment", name, namespace)
    return int(found["spec"]["replicas"]) if found else -1


def test_children_that_are_no_longer_wanted_go(world: World, stage: str) -> None:
    world.apply(manifest("App", "fewer", SPEC, stage))
    world.wait("sapp", "fewer", stage)
    assert world.get("pdb", "fewer", stage) is not None
    world.sandbox.kubectl("scale", "sapp", "fewer", "-n", stage, "--replicas=1")
    world.gone("pdb", "fewer", stage)
    world.patch("sapp", "fewer", stage, {"spec": {"network": {"public": False}}})
    world.gone("networkpolicy", "app-fewer", stage)
    world.patch("sapp", "fewer", stage, {"spec": {"image": None}})
    world.gone("deployment", "fewer", stage)
    world.says("sapp", "fewer", stage, "Ready", "AppHasNoActiveRelease")
    assert world.get("service", "fewer", stage) is not None, "its private domain stays"
    world.patch("sstage", "production", "drift", {"spec": {"quota": None}})
    world.gone("resourcequota", "stage", stage)
    world.patch("sstage", "production", "drift", {"spec": {"quota": {"memory": 65536}}})


def foreign(kind: str, name: str, namespace: str, **content: object) -> Object:
    """An object that somebody else made."""
    version = {"Deployment": "apps/v1", "NetworkPolicy": "networking.k8s.io/v1"}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": version.get(kind, "v1"), "kind": kind, "metadata": metadata, **content}


def test_what_is_not_ours_is_not_taken_over(world: World, stage: str) -> None:
    """Neither an object that somebody made for other ends, nor one that the operator can't see."""
    labels = {"their": "pods"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "app", "image": IMAGE}]},
    }
    theirs = {
        "byaccount": foreign("ServiceAccount", "app-byaccount", stage),
        "byservice": foreign("Service", "byservice", stage, spec={"ports": [{"port": 1}]}),
        "bypolicy": foreign("NetworkPolicy", "app-bypolicy", stage, spec={"podSelector": {}}),
        "bydeployment": foreign(
            "Deployment",
            "bydeployment",
            stage,
            spec={"selector": {"matchLabels": labels}, "template": template, "replicas": 0},
        ),
    }
    secret = foreign("Secret", "service-taken", stage, stringData={"url": "mine"})
    world.apply(*theirs.values(), secret)
    before = contents(world, [*theirs.values(), secret])
    world.apply(
        *(manifest("App", name, SPEC, stage) for name in theirs),
        manifest("Service", "taken", {"type": "s3"}, stage),
    )
    for name, their in theirs.items():
        assert world.says("sapp", name, stage, "Stalled", "ObjectTaken") == (
            f"{their['kind']} '{their['metadata']['name']}' exists in the namespace and isn't "
            "ours, so it is not touched; remove it, or give the App another name"
        )
    assert world.says("ssvc", "taken", stage, "Stalled", "ObjectTaken") == (
        "Secret 'service-taken' exists in the namespace and isn't ours, so it is not touched; "
        "remove it, or give the Service another name"
    )
    assert contents(world, [*theirs.values(), secret]) == before

    world.delete_all([*theirs.values(), secret])
    for name in theirs:
        world.wait("sapp", name, stage)
    world.wait("ssvc", "taken", stage)


def contents(world: World, objects: Sequence[Object]) -> list[Object]:
    """The live state of some objects: all but the status, which Kubernetes writes."""
    return [
        content(
            world.get(one["kind"].lower(), one["metadata"]["name"], one["metadata"]["namespace"])
        )
        for one in objects
    ]


def test_a_quota_of_somebody_else_is_not_taken_over(world: World, stage: str) -> None:
    world.patch("sstage", "production", "drift", {"spec": {"quota": None}})
    world.gone("resourcequota", "stage", stage)
    theirs = foreign("ResourceQuota", "stage", stage, spec={"hard": {"pods": "100"}})
    world.apply(theirs)
    before = contents(world, [theirs])
    world.patch("sstage", "production", "drift", {"spec": {"quota": {"memory": 65536}}})
    assert world.says("sstage", "production", "drift", "Stalled", "ObjectTaken") == (
        "ResourceQuota 'stage' exists in the namespace and isn't ours, so it is not touched; "
        "remove it"
    )
    assert contents(world, [theirs]) == before
    world.delete_all([theirs])
    world.wait("sstage", "production", "drift")


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_an_app_that_is_made_again_gets_children_of_its_own(
    world: World, stage: str, cascade: str
) -> None:
    name = f"again-{cascade}"
    app = manifest("App", name, SPEC, stage)
    world.apply(app)
    first = world.wait("sapp", name, stage)
    kubectl = world.sandbox.kubectl
    kubectl("delete", "sapp", name, "-n", stage, f"--cascade={cascade}")
    world.apply(app)
    second = world.get("sapp", name, stage)
    assert second is not None
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    world.wait("sapp", name, stage)
    children = [(what, child.replace("web", name)) for what, child in CHILDREN[:5]]

    def owned() -> bool:
        found = [world.get(what, child, stage) for what, child in children]
        return all(
            one is not None
            and [owner["uid"] for owner in one["metadata"].get("ownerReferences", ())]
            == [second["metadata"]["uid"]]
            for one in found
        )

    world.until(owned, f"the children of the second {name}")


def test_who_pauses_an_object_has_it_for_himself(world: World, stage: str) -> None:
    world.apply(manifest("App", "resting", SPEC, stage))
    world.wait("sapp", "resting", stage)
    kubectl = world.sandbox.kubectl
    kubectl("annotate", "sapp", "resting", "-n", stage, "setops.co/paused=for a look")
    world.delete("pdb", "resting", namespace=stage)

    def said() -> bool:
        selector = "involvedObject.name=resting,reason=Paused"
        events = kubectl("get", "events", "-n", stage, "--field-selector", selector, "-o", "json")
        return any(
            event["message"] == "the annotation setops.co/paused holds the operator off; "
            "it stays RouteNotSupported"
            for event in json.loads(events.stdout)["items"]
        )

    world.until(said, "an Event that says so")
    # What comes later is put right, so this would have been.
    world.delete("pdb", "web", namespace=stage)
    world.until(lambda: world.get("pdb", "web", stage) is not None, "the other App's budget")
    assert world.get("pdb", "resting", stage) is None
    kubectl("annotate", "sapp", "resting", "-n", stage, "setops.co/paused-")
    world.until(lambda: world.get("pdb", "resting", stage) is not None, "the operator's return")
