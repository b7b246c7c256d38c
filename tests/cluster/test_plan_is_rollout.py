"""What a plan says of an App's containers is what happens to them, and nothing else happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from setops.changes.effects import REPLACES, RESTARTS, STARTS, STOPS
from tests.app_pairs import SERVICES, pairs
from tests.cluster.world import Object, World, manifest

SEED: Final = 65
APPS: Final = 64
ORDER: Final = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class Running:
    """What of an App can be told apart from outside: itself, its pods' template, their number."""

    uid: str
    template: str
    replicas: int


def running(world: World, namespace: str) -> Mapping[str, Running]:
    """The Apps and the templates that their Deployments roll out, by the API server's own hash."""
    path = f"/apis/apps/v1/namespaces/{namespace}/replicasets"
    sets = world.sandbox.api().request("GET", path)["items"]
    newest: dict[str, Object] = {}
    for each in sorted(sets, key=lambda item: int(item["metadata"]["annotations"][ORDER])):
        newest[each["metadata"]["ownerReferences"][0]["uid"]] = each
    deployments = {item["metadata"]["name"]: item for item in world.list("deployments", namespace)}
    return {
        app["metadata"]["name"]: _running(app, deployments.get(app["metadata"]["name"]), newest)
        for app in world.list("sapp", namespace)
    }


def _running(app: Object, deployment: Object | None, newest: Mapping[str, Object]) -> Running:
    uid = app["metadata"]["uid"]
    if deployment is None:
        return Running(uid, "", 0)
    made = newest[deployment["metadata"]["uid"]]
    template = made["metadata"]["labels"]["pod-template-hash"]
    return Running(uid, template, deployment["spec"]["replicas"])


def what_happened(before: Running, after: Running) -> str:
    """In the words of a plan; empty if the containers run on, or if there are none."""
    if bool(before.replicas) != bool(after.replicas):
        happened = STARTS if after.replicas else STOPS
    elif before.replicas and before.uid != after.uid:
        happened = "it is down in between"
    else:
        happened = RESTARTS if before.replicas and before.template != after.template else ""
    if before.uid != after.uid:
        return f"{REPLACES}; {happened}" if happened else REPLACES
    return happened


def test_a_rollout_happens_if_and_only_if_the_plan_says_so(world: World) -> None:
    namespace = world.stage()
    services = {name: {"type": "s3", "deletionPolicy": "Delete"} for name in SERVICES}
    ends: list[dict[str, Any]] = [{}, {}]
    for number, pair in enumerate(pairs(SEED, APPS)):
        for end, spec in zip(ends, pair, strict=True):
            end[f"app-{number:02}"] = spec
    seen, plans = [], []
    for name, apps in zip(("before", "after"), ends, strict=True):
        definition = {"apps": apps, "services": services}
        status = world.commit(namespace, name=name, definition=definition, prune=True)["status"]
        assert status["phase"] == "Committed", status["conditions"]
        seen.append(running(world, namespace))
        plans.append({row["name"]: row.get("effect", "") for row in status["plan"]["changes"]})
    happened = {name: what_happened(was, seen[1][name]) for name, was in seen[0].items()}
    said = {name: plans[1].get(name, "") for name in happened}
    wrong = [
        (said[name], what, ends[0][name], ends[1][name])
        for name, what in happened.items()
        if said[name] != what
    ]
    assert wrong == []
    kinds = Counter(what.partition(";")[0] for what in happened.values())
    assert set(kinds) == {"", REPLACES, RESTARTS, STARTS, STOPS}
    assert min(kinds.values()) > 1, "some of each kind"
    world.delete("project.setops.co", namespace.partition("-")[0])


def test_an_app_that_waits_for_a_service_starts_with_it(world: World) -> None:
    namespace = world.stage()
    spec = {"image": "registry.example.com/web:1", "links": {"store": {"envKey": "STORE_URL"}}}
    world.apply(manifest("App", "web", spec, namespace))
    world.says("sapp", "web", namespace, "Reconciling", "WaitingForService")
    line = "service:create store --type s3"
    status = world.commit(namespace, line)["status"]
    assert status["phase"] == "Committed"
    assert status["plan"]["notes"] == [
        "App web starts or restarts its containers, since store is created"
    ]
    world.wait("sapp", "web", namespace)
    assert running(world, namespace)["web"].replicas == 1
    world.delete("project.setops.co", namespace.partition("-")[0])
