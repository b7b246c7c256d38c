"""What the cache keeps of an object."""

from __future__ import annotations

from typing import Any, Final

import pytest

from setops.api.kinds import (
    APP,
    CONTROLLER_REVISION,
    DEPLOYMENT,
    NOTIFICATION,
    PROJECT,
    SERVICE,
    STAGE,
    Kind,
    Object,
)
from setops.api.names import ANNOTATION_LAST_APPLIED
from setops.api.pod_trouble import failing_containers
from setops.kube import trim
from setops.kube.watched import WATCHED

GATE: Final = "target-health.elbv2.k8s.aws/k8s-shop-web"


def a_pod(**spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-1",
            "namespace": "ns",
            "uid": "u",
            "resourceVersion": "1",
            "annotations": {"a": "b"},
            "managedFields": [{}],
            "labels": {"setops.co/app": "web"},
            "deletionTimestamp": "2026-11-23T13:00:00Z",
        },
        "spec": {"nodeName": "n", "containers": [{"name": "app"}], **spec},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "conditions": [
                {"type": "Ready", "status": "False"},
                {"type": "Initialized", "status": "True"},
                {"type": GATE, "status": "False", "reason": "Target.ResponseCodeMismatch"},
            ],
            "containerStatuses": [
                {
                    "name": "app",
                    "image": "x",
                    "ready": False,
                    "restartCount": 4,
                    "state": {
                        "waiting": {"reason": "ImagePullBackOff", "message": "no such image"}
                    },
                }
            ],
        },
    }


def test_a_pod_keeps_what_tells_how_it_does() -> None:
    assert trim.pod(a_pod()) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-1",
            "namespace": "ns",
            "uid": "u",
            "resourceVersion": "1",
            "labels": {"setops.co/app": "web"},
            "deletionTimestamp": "2026-11-23T13:00:00Z",
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [
                {
                    "name": "app",
                    "ready": False,
                    "restartCount": 4,
                    "state": {
                        "waiting": {"reason": "ImagePullBackOff", "message": "no such image"}
                    },
                }
            ],
        },
    }


def test_a_pod_keeps_how_its_container_ended_last() -> None:
    """An App's message says so while the container waits to be started again."""
    crashed = a_pod()
    (container,) = crashed["status"]["containerStatuses"]
    container["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    ended = {"exitCode": 3, "reason": "Error", "finishedAt": "2026-11-23T13:00:00Z"}
    container["lastState"] = {"terminated": {**ended, "message": "long"}}
    kept = trim.pod(crashed)
    (container,) = kept["status"]["containerStatuses"]
    assert container["lastState"] == {"terminated": {"exitCode": 3, "reason": "Error"}}
    (trouble,) = failing_containers(kept)
    assert trouble.text == "CrashLoopBackOff: it ended with exit code 3"


def test_a_pod_keeps_the_conditions_that_its_readiness_gates_name() -> None:
    """The load balancer's own check decides whether such a pod is ready, and says why it isn't."""
    kept = trim.pod(a_pod(readinessGates=[{"conditionType": GATE}]))
    assert kept["status"]["conditions"] == [
        {"type": "Ready", "status": "False"},
        {"type": GATE, "status": "False", "reason": "Target.ResponseCodeMismatch"},
    ]


def make(kind: Kind, metadata: Object, **content: Any) -> Object:
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **content}


def test_the_last_applied_annotation_stays_on_what_users_write() -> None:
    metadata = {"name": "web", "annotations": {ANNOTATION_LAST_APPLIED: "{}", "a": "b"}}
    users = WATCHED[APP].trimmed(make(APP, metadata))
    assert users["metadata"]["annotations"] == metadata["annotations"]
    child = WATCHED[DEPLOYMENT].trimmed(make(DEPLOYMENT, metadata))
    assert child["metadata"]["annotations"] == {"a": "b"}


@pytest.mark.parametrize(
    ("kind", "keeps"),
    [(APP, True), (SERVICE, True), (NOTIFICATION, True), (PROJECT, False), (STAGE, False)],
    ids=str,
)
def test_who_edited_a_spec_is_kept_of_what_changesets_write(kind: Kind, keeps: bool) -> None:
    others = {"manager": "argocd-controller", "operation": "Apply"}
    scaled = {"manager": "setops", "subresource": "scale"}
    managers = [{"manager": "setops"}, others, {"manager": "kubelet", "subresource": "status"}]
    managers += [{"manager": "setops", "subresource": "status"}, scaled]
    kept = WATCHED[kind].trimmed(make(kind, {"name": "web", "managedFields": managers}))
    assert kept["metadata"].get("managedFields") == ([others, scaled] if keeps else None)


def test_revisions_lose_their_data() -> None:
    revision = make(CONTROLLER_REVISION, {"name": "r"}, revision=3, data={"apps": {}})
    kept = WATCHED[CONTROLLER_REVISION].trimmed(revision)
    assert kept["revision"] == 3
    assert "data" not in kept
    assert "data" in revision, "the input is left alone"


@pytest.mark.parametrize("kind", WATCHED, ids=str)
def test_the_input_is_left_alone(kind: Kind) -> None:
    metadata = {"name": "x", "managedFields": [{}], "annotations": {ANNOTATION_LAST_APPLIED: "{}"}}
    obj = make(kind, metadata, data={"a": "Yg=="}, status={"replicas": 1, "conditions": []})
    before = str(obj)
    kept = WATCHED[kind].trimmed(obj)
    assert str(obj) == before
    assert (kept["apiVersion"], kept["kind"]) == (kind.api_version, kind.kind)
