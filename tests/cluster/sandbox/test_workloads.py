"""What the simulated nodes make of pods, Services and Ingresses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox import Sandbox
from sandbox.waiting import until
from tests.cluster.sandbox.conftest import Apply, Read


def pod(name: str, image: str = "web:1", **annotations: str) -> dict[str, Any]:
    prefixed = {f"setops.co/sandbox-{key}": value for key, value in annotations.items()}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": prefixed},
        "spec": {"containers": [{"name": "main", "image": image}]},
    }


def condition(found: dict[str, Any], kind: str) -> str | None:
    for each in found["status"].get("conditions", []):
        if each["type"] == kind:
            return str(each["status"])
    return None


def container(found: dict[str, Any]) -> dict[str, Any]:
    """The status of a pod's only container; empty before the kubelet has seen it."""
    status: dict[str, Any]
    for status in found["status"].get("containerStatuses", []):
        return status
    return {}


def waits_for(found: dict[str, Any]) -> str | None:
    """The reason why a pod's only container waits, if it does."""
    reason: str | None = container(found).get("state", {}).get("waiting", {}).get("reason")
    return reason


def test_nodes_are_in_three_zones(sandbox: Sandbox) -> None:
    nodes = json.loads(sandbox.kubectl("get", "nodes", "--output=json").stdout)["items"]
    labels = [node["metadata"]["labels"] for node in nodes]
    assert len({each["topology.kubernetes.io/zone"] for each in labels}) == 3
    assert all(condition(node, "Ready") == "True" for node in nodes)


def test_a_deployment_rolls_out_and_is_reachable_by_its_service(
    sandbox: Sandbox,
) -> None:
    sandbox.kubectl("create", "deployment", "web", "--image=web:1", "--replicas=3", "--port=80")
    sandbox.kubectl("rollout", "status", "deployment/web")
    sandbox.kubectl("expose", "deployment", "web")
    addresses = until(
        lambda: sandbox.kubectl(
            "get",
            "endpointslices",
            "--selector=kubernetes.io/service-name=web",
            "--output=jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses[0]}",
        ).stdout.split(),
        "endpoints",
    )
    assert len(set(addresses)) == 3
    sandbox.kubectl("set", "image", "deployment/web", "web=web:2")
    sandbox.kubectl("rollout", "status", "deployment/web")
    sandbox.kubectl("delete", "deployment/web", "--cascade=foreground")
    assert sandbox.kubectl("get", "pods", "--selector=app=web", "--output=name").stdout == ""


def test_a_pod_becomes_ready_after_the_time_in_its_annotation(apply: Apply, read: Read) -> None:
    apply(pod("slow", **{"ready-after": "3s"}))
    until(lambda: read("pod/slow")["status"]["phase"] == "Running", "the pod to run")
    assert condition(read("pod/slow"), "Ready") == "False"
    until(lambda: condition(read("pod/slow"), "Ready") == "True", "the pod to be ready")
    assert container(read("pod/slow"))["ready"]


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "InvalidImageName", "CrashLoopBackOff"])
def test_a_pod_fails_as_its_annotation_says(apply: Apply, read: Read, reason: str) -> None:
    name = reason.lower()
    apply(pod(name, fail=reason))
    until(lambda: waits_for(read(f"pod/{name}")) == reason, reason)
    found = read(f"pod/{name}")
    assert not container(found)["ready"]
    assert condition(found, "Ready") == "False"


def test_a_crash_loop_goes_on(apply: Apply, read: Read) -> None:
    apply(pod("loop", fail="CrashLoopBackOff"))
    until(lambda: container(read("pod/loop")).get("restartCount", 0) > 1, "the second restart")
    assert container(read("pod/loop"))["lastState"]["terminated"]["exitCode"] == 1


def test_an_image_that_does_not_exist_is_not_pulled(sandbox: Sandbox) -> None:
    sandbox.kubectl("create", "deployment", "bad", "--image=registry.test/does-not-exist:1")

    def is_failing() -> bool:
        pods = sandbox.kubectl("get", "pods", "--selector=app=bad", "--output=json").stdout
        return [waits_for(each) for each in json.loads(pods)["items"]] == ["ImagePullBackOff"]

    until(is_failing, "the image to fail")
    # Putting the image right is all that it takes.
    sandbox.kubectl("set", "image", "deployment/bad", "does-not-exist=web:1")
    sandbox.kubectl("rollout", "status", "deployment/bad")


@pytest.mark.parametrize(("code", "outcome"), [("0", "Complete"), ("3", "Failed")])
def test_a_job_ends_with_the_exit_code_of_its_annotation(
    sandbox: Sandbox, apply: Apply, code: str, outcome: str
) -> None:
    template = pod("", **{"exit-code": code})
    template["metadata"].pop("name")
    template["spec"]["restartPolicy"] = "Never"
    apply(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": f"job-{code}"},
            "spec": {
                "backoffLimit": 0,
                "template": {"metadata": template["metadata"], "spec": template["spec"]},
            },
        }
    )
    sandbox.kubectl("wait", f"job/job-{code}", f"--for=condition={outcome}")
    exited = sandbox.kubectl(
        "get",
        "pods",
        f"--selector=job-name=job-{code}",
        "--output=jsonpath={.items[*].status.containerStatuses[0].state.terminated.exitCode}",
    )
    assert exited.stdout == code


def test_services_and_ingresses_get_an_address(apply: Apply, read: Read) -> None:
    apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "public"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": "x"}},
        }
    )
    apply(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "public"},
            "spec": {"defaultBackend": {"service": {"name": "public", "port": {"number": 80}}}},
        }
    )

    def address(name: str) -> str | None:
        entries = read(name)["status"].get("loadBalancer", {}).get("ingress", [])
        return entries[0]["hostname"] if entries else None

    assert until(lambda: address("service/public"), "the load balancer")
    assert until(lambda: address("ingress/public"), "the load balancer")


def test_logs_say_that_nothing_runs(sandbox: Sandbox, apply: Apply) -> None:
    apply(pod("quiet"))
    sandbox.kubectl("wait", "pod/quiet", "--for=condition=Ready")
    assert "no container runs" in sandbox.kubectl("logs", "quiet").stdout


def test_pods_run_after_a_restart_of_the_nodes(sandbox: Sandbox, apply: Apply) -> None:
    apply(pod("before"))
    sandbox.restart("kwok")
    apply(pod("after"))
    sandbox.kubectl("wait", "pod/before", "pod/after", "--for=condition=Ready")
    sandbox.kubectl("delete", "pod/before", "pod/after")


def test_requests_are_made_as_another_user(sandbox: Sandbox) -> None:
    config = sandbox.user_kubeconfig("dev@example.com", ["developers"])
    who = sandbox.kubectl("auth", "whoami", "--output=json", kubeconfig=config).stdout
    info = json.loads(who)["status"]["userInfo"]
    assert info["username"] == "dev@example.com"
    assert info["groups"] == ["developers", "system:authenticated"]
    denied = sandbox.kubectl("get", "pods", kubeconfig=config, check=False)
    assert "forbidden" in denied.stderr.lower()
