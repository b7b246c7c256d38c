"""The chart on a real control plane: it installs, its pods start, and its policies hold."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from sandbox import Sandbox
from sandbox.launch import ADMINISTRATOR
from setops.api.kinds import OURS, Object
from tests.chart.helm import CHART, Helm

RELEASE: Final = "charttest"
NAME: Final = "charttest-setops"
NAMESPACE: Final = "chart-test"
PROJECT: Final = "chartproject"
STAGE: Final = f"{PROJECT}-production"
ACCOUNT: Final = f"system:serviceaccount:{NAMESPACE}:{NAME}"
RESTRICTED: Final = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
}

PROTECTED: Final = {
    "setops.co/project": PROJECT,
    "setops.co/stage": "production",
    "setops.co/deletion-protection": "true",
}

UNPROTECTED: Final = "setops.co/deletion-protection-"

# The policies of every release hold in the whole cluster, for the tests after these as well.
TRUSTED: Final = ("--set", f"trustedAccounts={{{ADMINISTRATOR}}}")


def namespace(name: str, **labels: str) -> Object:
    """A namespace as the operator would make it."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def stage(name: str, *, protected: bool) -> Object:
    """A Stage in the Project's namespace."""
    return {
        "apiVersion": "setops.co/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name, "namespace": PROJECT},
        "spec": {"deletionProtection": protected},
    }


def kubectl(sandbox: Sandbox, *arguments: str) -> str:
    """What kubectl prints."""
    return sandbox.kubectl(*arguments).stdout.strip()


def refusal(sandbox: Sandbox, *arguments: str) -> str:
    """What kubectl says when the API server refuses."""
    done = sandbox.kubectl(*arguments, check=False)
    assert done.returncode != 0, done.stdout
    return done.stderr


def apply(sandbox: Sandbox, *objects: Object) -> None:
    """Create or change objects."""
    sandbox.kubectl("apply", "-f", "-", input="\n---\n".join(map(json.dumps, objects)))


def until(met: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait for what Kubernetes does in its own time."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)


def may(sandbox: Sandbox, user: str, verb: str, resource: str, *arguments: str) -> bool:
    """Whether RBAC allows a user something."""
    question = ("auth", "can-i", verb, resource, f"--as={user}", *arguments)
    done = sandbox.kubectl(*question, check=False)
    answer = done.stdout.strip()
    assert answer in {"yes", "no"}, done.stderr
    return answer == "yes"


def is_guarded(sandbox: Sandbox, resource: str, name: str) -> bool:
    """Whether a deletion would be refused; a new policy takes the API server a moment."""
    done = sandbox.kubectl(
        "delete", resource, name, "-n", PROJECT, "--dry-run=server", "--wait=false", check=False
    )
    return "protected from deletion" in done.stderr


@pytest.fixture(scope="module")
def installed(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The chart, in a namespace that enforces the restricted Pod Security Standard."""
    apply(sandbox, namespace(NAMESPACE, **RESTRICTED), namespace(PROJECT))
    sandbox.helm("install", RELEASE, str(CHART), "-n", NAMESPACE, *TRUSTED)
    apply(sandbox, stage("probe", protected=True), namespace(STAGE, **PROTECTED))
    until(lambda: is_guarded(sandbox, "stages.setops.co", "probe"), "Stages are guarded")
    until(lambda: is_guarded(sandbox, "namespaces", STAGE), "namespaces are guarded")
    yield sandbox
    apply(sandbox, *(stage(name, protected=False) for name in ("probe", "production")))
    kubectl(sandbox, "label", "namespace", STAGE, UNPROTECTED)
    sandbox.helm("uninstall", RELEASE, "-n", NAMESPACE)
    sandbox.kubectl("delete", "namespace", NAMESPACE, PROJECT, STAGE, "--wait=false")


def test_two_restricted_pods_become_ready(installed: Sandbox) -> None:
    kubectl(installed, "rollout", "status", f"deployment/{NAME}", "-n", NAMESPACE, "--timeout=60s")
    ready = kubectl(
        installed,
        "get",
        "deployment",
        NAME,
        "-n",
        NAMESPACE,
        "-o",
        "jsonpath={.status.readyReplicas}",
    )
    assert ready == "2"


def test_pod_security_has_nothing_to_warn_of(installed: Sandbox, helm: Helm) -> None:
    deployment = helm.template().one("Deployment")
    deployment["metadata"]["namespace"] = NAMESPACE
    # A Deployment that violates the standard is accepted, with a warning.
    create = ("create", "--dry-run=server", "--warnings-as-errors", "-f", "-")
    installed.kubectl(*create, input=json.dumps(deployment))


@pytest.mark.parametrize(
    "policy", ["protected-stages", "protected-namespaces", "changeset-users", "git-fields"]
)
def test_policies_are_well_typed(installed: Sandbox, policy: str) -> None:
    path = ("get", "validatingadmissionpolicy", f"{NAME}-{policy}", "-o", "jsonpath={.status}")
    until(lambda: kubectl(installed, *path) not in {"", "{}"}, f"{policy} is checked")
    status = json.loads(kubectl(installed, *path))
    assert not status["typeChecking"].get("expressionWarnings")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("production",), id="by name"),
        pytest.param(("--all",), id="as a collection"),
        pytest.param(("production", "--force", "--grace-period=0"), id="by force"),
        pytest.param(
            ("production", "--as=root", "--as-group=system:masters"), id="by an administrator"
        ),
    ],
)
def test_a_protected_stage_stays(installed: Sandbox, arguments: tuple[str, ...]) -> None:
    apply(installed, stage("production", protected=True))
    message = refusal(installed, "delete", "stages.setops.co", "-n", PROJECT, *arguments)
    assert "(Forbidden)" in message
    assert (
        f"Stage {PROJECT}/production is protected from deletion: "
        "set its spec.deletionProtection to false first"
    ) in message


def test_a_stage_goes_once_it_is_not_protected(installed: Sandbox) -> None:
    apply(installed, stage("testing", protected=True))
    assert "Forbidden" in refusal(installed, "delete", "stages.setops.co", "testing", "-n", PROJECT)
    apply(installed, stage("testing", protected=False))
    kubectl(installed, "delete", "stages.setops.co", "testing", "-n", PROJECT)


def test_a_stage_without_a_spec_is_not_protected(installed: Sandbox) -> None:
    plain = stage("plain", protected=False)
    del plain["spec"]
    apply(installed, plain)
    kubectl(installed, "delete", "stages.setops.co", "plain", "-n", PROJECT)


def test_the_namespace_of_a_protected_stage_stays(installed: Sandbox) -> None:
    message = refusal(installed, "delete", "namespace", STAGE)
    assert "(Forbidden)" in message
    assert (
        f"Namespace {STAGE} belongs to a Stage that is protected from deletion: set "
        f"spec.deletionProtection of Stage production of Project {PROJECT} to false first"
    ) in message


def test_other_namespaces_go(installed: Sandbox) -> None:
    name = f"{PROJECT}-testing"
    apply(installed, namespace(name, **PROTECTED))
    kubectl(installed, "label", "namespace", name, UNPROTECTED)
    kubectl(installed, "delete", "namespace", name)


def test_a_namespace_that_is_ended_waits_for_its_protected_stage(installed: Sandbox) -> None:
    name = "chartending"
    kept = stage("production", protected=True)
    kept["metadata"]["namespace"] = name
    apply(installed, namespace(name), kept)
    kubectl(installed, "delete", "namespace", name, "--wait=false")
    # The namespace controller is refused as well, and says so.
    kubectl(
        installed,
        "wait",
        f"namespace/{name}",
        "--for=condition=NamespaceDeletionContentFailure",
        "--timeout=30s",
    )
    assert "production" in kubectl(installed, "get", "stages.setops.co", "-n", name)
    patch = '{"spec":{"deletionProtection":false}}'
    kubectl(
        installed,
        "patch",
        "stages.setops.co",
        "production",
        "-n",
        name,
        "--type=merge",
        "-p",
        patch,
    )
    kubectl(installed, "wait", f"namespace/{name}", "--for=delete", "--timeout=60s")


@pytest.mark.parametrize(
    ("verb", "resource", "allowed"),
    [
        ("update", f"leases.coordination.k8s.io/{NAME}", True),
        ("update", "leases.coordination.k8s.io/another", False),
        ("delete", f"leases.coordination.k8s.io/{NAME}", False),
        ("create", "pods", False),
        ("create", "clusterrolebindings.rbac.authorization.k8s.io", False),
        ("create", "changesets.setops.co", False),
        ("update", "stages.setops.co", False),
        ("list", "secrets", True),
    ],
)
def test_what_the_operator_may_do(
    installed: Sandbox, verb: str, resource: str, *, allowed: bool
) -> None:
    assert may(installed, ACCOUNT, verb, resource, "-n", NAMESPACE) is allowed


@pytest.mark.parametrize(
    ("role", "verb", "resource", "allowed"),
    [
        ("view", "list", "apps.setops.co", True),
        ("view", "create", "changesets.setops.co", False),
        ("edit", "create", "changesets.setops.co", True),
        ("edit", "update", "apps.setops.co/scale", True),
        ("edit", "watch", "stages.setops.co", True),
        ("edit", "delete", "stages.setops.co", False),
        ("admin", "delete", "stages.setops.co", True),
        ("admin", "create", "apps.setops.co", True),
    ],
)
def test_what_people_may_do(
    installed: Sandbox, role: str, verb: str, resource: str, *, allowed: bool
) -> None:
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": role, "namespace": PROJECT},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": role,
        },
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": role}],
    }
    apply(installed, binding)
    plain, _, subresource = resource.partition("/")
    extra = (f"--subresource={subresource}",) if subresource else ()
    # Kubernetes gathers the roles in the background, and bindings reach the authorizer so too.
    until(
        lambda: may(installed, role, verb, plain, "-n", PROJECT, *extra) is allowed,
        f"{role} {'may' if allowed else 'may not'} {verb} {resource}",
    )
    if not allowed:
        until(lambda: may(installed, role, "list", plain, "-n", PROJECT), f"{role} is bound")
        assert not may(installed, role, verb, plain, "-n", PROJECT, *extra)


def test_removing_the_chart_keeps_what_users_made(installed: Sandbox) -> None:
    release, where = "removal", "chart-removal"
    installed.helm("install", release, str(CHART), "-n", where, "--create-namespace", *TRUSTED)
    assert "removal-setops" in remains_of(installed, release)
    installed.helm("upgrade", release, str(CHART), "-n", where, "--set", "replicas=1", *TRUSTED)
    assert not kubectl(installed, "get", "poddisruptionbudgets", "-n", where, "-o", "name")

    installed.helm("uninstall", release, "-n", where)
    assert not remains_of(installed, release)
    definitions = kubectl(installed, "get", "customresourcedefinitions", "-o", "name")
    for kind in OURS:
        assert f"{kind.plural}.{kind.group}" in definitions
    assert "probe" in kubectl(installed, "get", "stages.setops.co", "-n", PROJECT)
    kubectl(installed, "delete", "namespace", where, "--wait=false")


def remains_of(sandbox: Sandbox, release: str) -> str:
    """The names of what a release has made outside its namespace."""
    kinds = "clusterroles,clusterrolebindings,validatingadmissionpolicies"
    selector = f"app.kubernetes.io/instance={release}"
    return kubectl(sandbox, "get", kinds, "-l", selector, "-o", "name")
