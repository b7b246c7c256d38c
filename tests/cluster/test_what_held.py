"""What an attack found in order stays in order: outsiders, protection, an API server that refuses,
resource definitions that are applied again, metrics without names.

One operator behind a proxy, and one Stage, for all of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from sandbox import Sandbox
from sandbox.operator_process import CHART
from sandbox.operator_process import NAMESPACE as SYSTEM
from sandbox.proxy import Fail, Proxy, Request
from tests.cluster.world import Object, World, manifest

PROJECT: Final = "heldshop"
SPACE: Final = "heldshop-production"
OTHER: Final = "heldother"
USER: Final = "visible.person@held.example.com"
SECRET: Final = "hush-hush-value"
IMAGE: Final = "registry.example.com/heldimage:1"


@dataclass(frozen=True)
class Arena:
    world: World
    api: Proxy


@pytest.fixture(scope="module")
def arena(sandbox: Sandbox) -> Iterator[Arena]:
    values = {"lease": {"duration": 60, "renewDeadline": 40}}
    with (
        Proxy(sandbox.server, sandbox.authority) as api,
        sandbox.operator(values=values, api_proxy=api.url) as operator,
    ):
        world = World(sandbox, operator)
        for project in (PROJECT, OTHER):
            world.stage(project)
        world.apply(
            manifest("App", "web", {"image": IMAGE, "env": {"A": {"value": SECRET}}}, SPACE)
        )
        world.wait("sapp", "web", SPACE)
        yield Arena(world, api)
        api.rule = None
        world.patch("sstage", "production", PROJECT, {"spec": {"deletionProtection": False}})
        world.delete("project.setops.co", PROJECT, OTHER)
        for project in (PROJECT, OTHER):
            world.gone("project.setops.co", project)


@pytest.fixture
def world(arena: Arena) -> World:
    return arena.world


def account(name: str, namespace: str = SPACE) -> tuple[str, ...]:
    """How kubectl speaks as a pod's ServiceAccount."""
    groups = ("serviceaccounts", f"serviceaccounts:{namespace}", "authenticated")
    return (
        f"--as=system:serviceaccount:{namespace}:{name}",
        *(f"--as-group=system:{group}" for group in groups),
    )


OUTSIDERS: Final = {
    "an App": account("web"),
    "a pod of the Stage without an App": account("default"),
    "an App of another Project": account("web", f"{OTHER}-production"),
    "somebody who can log in": ("--as=stranger@held.example.com",),
    "a namesake of the operator": account("setops", "default"),
    "a member of another Stage": ("--as=member@held.example.com",),
}
RESOURCES: Final = (
    "apps.setops.co", "services.setops.co", "notifications.setops.co", "changesets.setops.co",
    "stages.setops.co", "secrets", "configmaps", "pods", "pods/log", "pods/exec", "serviceaccounts",
    "controllerrevisions.apps", "deployments.apps", "rolebindings.rbac.authorization.k8s.io",
    "leases.coordination.k8s.io",
)  # fmt: skip
GLOBAL: Final = (
    "organizations.setops.co", "projects.setops.co", "namespaces", "nodes", "secrets",
    "customresourcedefinitions.apiextensions.k8s.io", "clusterroles.rbac.authorization.k8s.io",
    "validatingadmissionpolicies.admissionregistration.k8s.io",
)  # fmt: skip
HARMLESS: Final = {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}


@pytest.fixture(scope="module")
def member(arena: Arena) -> None:
    """Somebody with every right of Kubernetes' role admin, in another Project's namespaces."""
    for namespace in (OTHER, f"{OTHER}-production"):
        line = ("create", "rolebinding", "held", "--clusterrole=admin", "-n", namespace)
        arena.world.sandbox.kubectl(*line, "--user=member@held.example.com")


@pytest.mark.parametrize("who", OUTSIDERS)
@pytest.mark.parametrize("namespace", [SPACE, PROJECT, SYSTEM])
def test_outsiders_may_do_nothing(arena: Arena, member: None, who: str, namespace: str) -> None:
    del member
    kubectl = arena.world.sandbox.kubectl
    line = ("auth", "can-i", "--list", "-n", namespace, "--no-headers", *OUTSIDERS[who])
    for rule in kubectl(*line).stdout.splitlines():
        # Paths of the API server such as /version begin with a blank column.
        resource = rule.split()[0].partition(".")[0]
        assert resource in HARMLESS or rule.startswith(" "), rule


@pytest.mark.parametrize("who", OUTSIDERS)
def test_outsiders_read_nothing(arena: Arena, member: None, who: str) -> None:
    del member
    kubectl = arena.world.sandbox.kubectl
    asked = [(("-n", space), RESOURCES) for space in (SPACE, PROJECT)]
    for place, resources in [*asked, (("-A",), GLOBAL)]:
        readable = [each for each in resources if "/" not in each]
        line = ("get", ",".join(readable), *place, "--ignore-not-found", *OUTSIDERS[who])
        done = kubectl(*line, check=False)
        assert done.stdout == "", who
        assert done.returncode != 0
        assert done.stderr.count("is forbidden") == len(readable), done.stderr
    for line in (
        ("get", "--raw", f"/apis/setops.co/v1alpha1/namespaces/{SPACE}/apps/web/status"),
        ("get", "--raw", f"/apis/setops.co/v1alpha1/namespaces/{SPACE}/apps/web/scale"),
        ("get", "--raw", "/metrics"),
        ("logs", "-n", SPACE, "deployment/web"),
        ("create", "token", "web", "-n", SPACE),
    ):
        done = kubectl(*line, *OUTSIDERS[who], check=False)
        assert (done.returncode, done.stdout) == (1, ""), line


@pytest.mark.parametrize(
    "path",
    [
        f"/apis/setops.co/v1alpha1/namespaces/{SPACE}/apps",
        f"/api/v1/namespaces/{SPACE}/secrets",
        "/apis/setops.co/v1alpha1/organizations",
        "/apis/setops.co/v1alpha1",
        "/openapi/v3",
        "/metrics",
    ],
)
def test_nobody_without_a_login_reads_anything(world: World, path: str) -> None:
    nobody = ("--as=system:anonymous", "--as-group=system:unauthenticated")
    done = world.sandbox.kubectl("get", "--raw", path, *nobody, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "orbidden" in done.stderr


def test_no_pod_of_a_stage_gets_a_token(world: World) -> None:
    for pod in world.list("pods", SPACE):
        assert pod["spec"]["automountServiceAccountToken"] is False
        mounts = [
            m["mountPath"] for c in pod["spec"]["containers"] for m in c.get("volumeMounts", ())
        ]
        assert not [path for path in mounts if "serviceaccount" in path]


PATH: Final = f"/apis/setops.co/v1alpha1/namespaces/{PROJECT}/stages"
LOOSE: Final = json.dumps({"spec": {"deletionProtection": False}})
DELETED: Final = {
    "delete": ("delete", "sstage", "production", "-n", PROJECT),
    "delete, orphaning": ("delete", "sstage", "production", "-n", PROJECT, "--cascade=orphan"),
    "delete, children first": (
        "delete", "sstage", "production", "-n", PROJECT, "--cascade=foreground"
    ),
    "delete, by force": (
        "delete", "sstage", "production", "-n", PROJECT, "--force", "--grace-period=0"
    ),
    "delete --all": ("delete", "sstage", "--all", "-n", PROJECT),
    "delete by label": ("delete", "sstage", "-n", PROJECT, "-l", "kubernetes.io/x!=y"),
    "deletecollection": ("delete", "--raw", PATH),
    "the Stage's namespace": ("delete", "namespace", SPACE),
    "its namespace, raw": ("delete", "--raw", f"/api/v1/namespaces/{SPACE}"),
}  # fmt: skip
"""Ways that are refused to everybody, to the cluster's administrator first of all."""
UNPROTECTED: Final = {
    "patch": ("patch", "sstage", "production", "-n", PROJECT, "--type=merge", "-p", LOOSE),
    "JSON patch": (
        "patch", "sstage", "production", "-n", PROJECT, "--type=json", "-p",
        '[{"op": "remove", "path": "/spec/deletionProtection"}]',
    ),
    "the namespace's label": ("label", "ns", SPACE, "setops.co/deletion-protection-"),
    "the namespace's finalizers": (
        "patch", "ns", SPACE, "--subresource=status", "--type=merge", "-p",
        '{"metadata": {"labels": {"setops.co/deletion-protection": null}}}',
    ),
    "the kind": ("delete", "crd", "stages.setops.co"),
    "the policy": ("delete", "validatingadmissionpolicy", "setops-protected-stages"),
}  # fmt: skip
"""Ways around that only those have who may lift the protection."""


@pytest.fixture(scope="module")
def protected(arena: Arena) -> World:
    world = arena.world
    world.patch("sstage", "production", PROJECT, {"spec": {"deletionProtection": True}})
    world.until(
        lambda: "setops.co/deletion-protection" in _labels(world, SPACE), "the label"
    )  # fmt: skip
    line = ("create", "rolebinding", "editor", "--clusterrole=edit", "--user=editor@held")
    world.sandbox.kubectl(*line, "-n", SPACE)
    world.sandbox.kubectl(*line, "-n", PROJECT)
    return world


def _labels(world: World, namespace: str) -> Object:
    return dict((world.get("namespace", namespace) or {})["metadata"].get("labels", {}))


def _untouched(world: World) -> None:
    for what, name, space in (
        ("sstage", "production", PROJECT),
        ("sapp", "web", SPACE),
        ("namespace", SPACE, ""),
    ):
        found = world.get(what, name, space)
        assert found is not None
        assert "deletionTimestamp" not in found["metadata"]


@pytest.mark.parametrize("way", DELETED)
@pytest.mark.parametrize(
    "who", [(), ("--as=root", "--as-group=system:masters"), ("--as=editor@held",)]
)
def test_a_protected_stage_is_deleted_by_nobody(
    protected: World, way: str, who: tuple[str, ...]
) -> None:
    wait = () if "--raw" in DELETED[way] else ("--wait=false",)
    done = protected.sandbox.kubectl(*DELETED[way], *wait, *who, check=False)
    assert done.returncode != 0, done.stdout
    assert "orbidden" in done.stderr
    _untouched(protected)


@pytest.mark.parametrize("way", UNPROTECTED)
@pytest.mark.parametrize("who", ["editor@held", "member@held.example.com", "stranger@held"])
def test_the_protection_is_lifted_by_those_alone_who_may(
    protected: World, way: str, who: str
) -> None:
    done = protected.sandbox.kubectl(*UNPROTECTED[way], f"--as={who}", check=False)
    assert done.returncode != 0, done.stdout
    assert "orbidden" in done.stderr
    _untouched(protected)


FULL: Final = {
    "429": Fail(429, b'{"kind": "Status", "message": "too many requests"}', {"Retry-After": "1"}),
    "429 without words": Fail(429),
    "500, etcd is full": Fail(
        500, b'{"kind": "Status", "message": "etcdserver: mvcc: database space exceeded"}'
    ),
    "503": Fail(503, b'{"kind": "Status", "message": "apiserver is shutting down"}'),
    "504": Fail(504, b'{"kind": "Status", "reason": "Timeout", "message": "timed out"}'),
    "507": Fail(507, b"Insufficient Storage"),
    "no JSON": Fail(500, b"<html>\x00\xff</html>", {"Content-Type": "text/html"}),
}
MANY: Final = 6


def _refusing(action: Fail) -> tuple[list[str], object]:
    refused: list[str] = []

    def rule(request: Request) -> Fail | None:
        theirs = any(part in request.path for part in (SPACE, f"/{PROJECT}/"))
        if not request.is_write or not theirs or "/events" in request.path:
            return None
        if len(refused) >= MANY:
            return None
        refused.append(request.path)
        return action

    return refused, rule


@pytest.mark.parametrize("answer", FULL)
def test_a_commit_outlasts_an_api_server_that_refuses(arena: Arena, answer: str) -> None:
    """Every write is refused for a while, whatever the commit is at."""
    world = arena.world
    name = f"full{list(FULL).index(answer)}"
    refused, arena.api.rule = _refusing(FULL[answer])  # type: ignore[assignment]
    try:
        line = (f"app:create {name}", f"--app {name} env:set A=1")
        status = world.commit(SPACE, *line, name=name)["status"]
    finally:
        arena.api.rule = None
    assert status["phase"] == "Committed", status
    assert len(refused) == MANY
    world.wait("sapp", name, SPACE)
    world.lock_is_freed(SPACE)


def test_definitions_that_are_applied_again_change_nothing(world: World) -> None:
    """As an upgrade does, by client and by server, while the operator works."""
    before = {obj["metadata"]["uid"] for obj in world.list("sapp,sstage,deployments", SPACE)}
    crds = CHART / "crds"
    for way in (("apply", "--server-side", "--force-conflicts"), ("replace",)):
        world.sandbox.kubectl(*way, "-f", str(crds))
        done = world.commit(SPACE, f"--app web env:set {way[0].upper()}=1")["status"]
        assert done["phase"] == "Committed", done
    assert {
        obj["metadata"]["uid"] for obj in world.list("sapp,sstage,deployments", SPACE)
    } >= before


def test_metrics_name_nobody(world: World) -> None:
    """Whoever reads the metrics of a cluster need not be who may read its Stages."""
    done = world.commit(SPACE, "--app web env:set PERSON=1", user=USER, message=SECRET)["status"]
    assert done["phase"] == "Committed"
    failed = world.commit(SPACE, "app:destroy nothere", user=USER)["status"]
    assert failed["phase"] == "Failed"
    text = world.operator.metrics()
    assert "setops_reconciles_total" in text
    for word in (USER, "held", "production", "web", SECRET, "acme", "registry", "nothere"):
        assert word not in text.replace("/web", ""), word


def test_names_of_projects_and_stages_never_meet(world: World) -> None:
    """Project `a-b` with Stage `c`, and Project `a` with Stage `b-c`, would be one namespace."""
    for one in (
        manifest("Project", "held-a", {"organization": "acme"}),
        manifest("Stage", "b-c", {}, PROJECT),
        manifest("Project", "held.a", {"organization": "acme"}),
        manifest("Stage", "b.c", {}, PROJECT),
        manifest("Stage", "b--c", {}, PROJECT),
    ):
        assert "lowercase letters and digits, and begins with" in world.refusal(one)
