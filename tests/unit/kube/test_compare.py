"""Which differences between what we want and what is there count."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from setops.api.kinds import Object
from setops.kube.compare import differences

# As kube-apiserver 1.36 stores it, with all that it fills in by itself.
LIVE_DEPLOYMENT: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "namespace": "shop-prod",
        "uid": "5a9e6c0e-9f0e-4b0c-8f6e-0c9a5d9d7c11",
        "resourceVersion": "4711",
        "generation": 3,
        "creationTimestamp": "2026-11-23T13:00:00Z",
        "labels": {"app.kubernetes.io/name": "web", "added": "by somebody"},
        "annotations": {"deployment.kubernetes.io/revision": "3"},
        "ownerReferences": [
            {
                "apiVersion": "setops.co/v1alpha1",
                "kind": "App",
                "name": "web",
                "uid": "u-1",
                "controller": True,
            }
        ],
    },
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"setops.co/app": "web"}},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0},
        },
        "revisionHistoryLimit": 3,
        "progressDeadlineSeconds": 300,
        "template": {
            "metadata": {
                "labels": {"setops.co/app": "web"},
                "annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-23T13:00:00Z"},
            },
            "spec": {
                "containers": [
                    {
                        "name": "app",
                        "image": "web:1",
                        "imagePullPolicy": "IfNotPresent",
                        "ports": [{"containerPort": 3000, "protocol": "TCP"}],
                        "env": [
                            {"name": "PORT", "value": "3000"},
                            {"name": "EMPTY"},
                            {
                                "name": "STORE",
                                "valueFrom": {"secretKeyRef": {"name": "store", "key": "url"}},
                            },
                            {
                                "name": "POD",
                                "valueFrom": {
                                    "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}
                                },
                            },
                        ],
                        "resources": {
                            "requests": {"cpu": "500m", "memory": "1Gi"},
                            "limits": {"memory": "1Gi"},
                        },
                        "livenessProbe": {
                            "exec": {"command": ["true"]},
                            "timeoutSeconds": 1,
                            "periodSeconds": 10,
                            "successThreshold": 1,
                            "failureThreshold": 3,
                        },
                        "terminationMessagePath": "/dev/termination-log",
                        "terminationMessagePolicy": "File",
                    }
                ],
                "restartPolicy": "Always",
                "terminationGracePeriodSeconds": 60,
                "dnsPolicy": "ClusterFirst",
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                "schedulerName": "default-scheduler",
            },
        },
    },
    "status": {"observedGeneration": 3, "replicas": 2},
}

DEPLOYMENT: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "namespace": "shop-prod",
        "labels": {"app.kubernetes.io/name": "web"},
        "annotations": {},
        "ownerReferences": copy.deepcopy(LIVE_DEPLOYMENT["metadata"]["ownerReferences"]),
    },
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"setops.co/app": "web"}},
        "strategy": {"rollingUpdate": {"maxUnavailable": 0}},
        "template": {
            "metadata": {"labels": {"setops.co/app": "web"}},
            "spec": {
                "automountServiceAccountToken": False,
                "hostNetwork": False,
                "nodeSelector": None,
                "imagePullSecrets": [],
                "containers": [
                    {
                        "name": "app",
                        "image": "web:1",
                        "ports": [{"containerPort": 3000}],
                        "env": [
                            {
                                "name": "STORE",
                                "valueFrom": {"secretKeyRef": {"name": "store", "key": "url"}},
                            },
                            {"name": "EMPTY", "value": ""},
                            {
                                "name": "POD",
                                "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}},
                            },
                            {"name": "PORT", "value": "3000"},
                        ],
                        "resources": {
                            "requests": {"cpu": 0.5, "memory": "1024Mi"},
                            "limits": {"memory": "1073741824"},
                        },
                        "livenessProbe": {"exec": {"command": ["true"]}},
                    }
                ],
            },
        },
    },
}

POD_SPEC = "spec.template.spec"
APP = f"{POD_SPEC}.containers[app]"


def at(obj: Object, path: tuple[str | int, ...], value: Any) -> Object:
    """A copy in which `value` stands at a path; a function changes what stands there."""
    changed = copy.deepcopy(obj)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value(place.get(path[-1])) if callable(value) else value
    return changed


CONTAINER = ("spec", "template", "spec", "containers", 0)


def test_what_the_api_server_fills_in_is_no_difference() -> None:
    assert differences(DEPLOYMENT, LIVE_DEPLOYMENT) == ()


def test_an_object_is_what_it_is() -> None:
    assert differences(LIVE_DEPLOYMENT, LIVE_DEPLOYMENT) == ()


@pytest.mark.parametrize(
    ("why", "path", "value", "expected"),
    [
        ("scaled by hand", ("spec", "replicas"), 5, ("spec.replicas",)),
        ("another image", (*CONTAINER, "image"), "web:2", (f"{APP}.image",)),
        (
            "a variable was changed",
            (*CONTAINER, "env", 0),
            {"name": "PORT", "value": "80"},
            (f"{APP}.env[PORT].value",),
        ),
        (
            "a variable was added",
            (*CONTAINER, "env"),
            lambda env: [*env, {"name": "DEBUG", "value": "1"}],
            (f"{APP}.env[DEBUG]",),
        ),
        (
            "a variable was removed",
            (*CONTAINER, "env"),
            lambda env: env[:-1],
            (f"{APP}.env[POD]",),
        ),
        (
            "an empty variable got a source",
            (*CONTAINER, "env", 1),
            {"name": "EMPTY", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}},
            (f"{APP}.env[EMPTY].valueFrom",),
        ),
        (
            "a port was added",
            (*CONTAINER, "ports"),
            lambda ports: [*ports, {"containerPort": 9000, "protocol": "TCP"}],
            (f"{APP}.ports[9000/TCP]",),
        ),
        (
            "the same port by another protocol is another port",
            (*CONTAINER, "ports"),
            [{"containerPort": 3000, "protocol": "UDP"}],
            (f"{APP}.ports[3000/TCP]", f"{APP}.ports[3000/UDP]"),
        ),
        (
            "a container was added",
            ("spec", "template", "spec", "containers"),
            lambda containers: [*containers, {"name": "sidecar", "image": "x"}],
            (f"{POD_SPEC}.containers[sidecar]",),
        ),
        (
            "less memory",
            (*CONTAINER, "resources", "requests", "memory"),
            "512Mi",
            (f"{APP}.resources.requests.memory",),
        ),
        (
            "a limit that ends bursts",
            (*CONTAINER, "resources", "limits", "cpu"),
            "1",
            (f"{APP}.resources.limits.cpu",),
        ),
        (
            "absent does not mean false where the default is true",
            ("spec", "template", "spec", "automountServiceAccountToken"),
            None,
            (f"{POD_SPEC}.automountServiceAccountToken",),
        ),
        (
            "the host's network",
            ("spec", "template", "spec", "hostNetwork"),
            True,
            (f"{POD_SPEC}.hostNetwork",),
        ),
        (
            "a pull secret where none is wanted",
            ("spec", "template", "spec", "imagePullSecrets"),
            [{"name": "x"}],
            (f"{POD_SPEC}.imagePullSecrets[x]",),
        ),
        ("our label was removed", ("metadata", "labels"), {}, (
            "metadata.labels.app.kubernetes.io/name",
        )),
        ("no owner", ("metadata", "ownerReferences"), [], ("metadata.ownerReferences[u-1]",)),
        (
            "another command",
            (*CONTAINER, "livenessProbe", "exec", "command"),
            ["false"],
            (f"{APP}.livenessProbe.exec.command[0]",),
        ),
        (
            "a longer command",
            (*CONTAINER, "livenessProbe", "exec", "command"),
            ["true", "-x"],
            (f"{APP}.livenessProbe.exec.command",),
        ),
    ],
)  # fmt: skip
def test_drift_of_a_deployment(
    why: str, path: tuple[str | int, ...], value: Any, expected: tuple[str, ...]
) -> None:
    assert differences(DEPLOYMENT, at(LIVE_DEPLOYMENT, path, value)) == expected, why


SERVICE: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "shop-prod"},
    "spec": {
        "selector": {"setops.co/app": "web"},
        "ports": [{"name": "app", "port": 80, "targetPort": 3000}],
    },
}
LIVE_SERVICE: Object = {
    **SERVICE,
    "spec": {
        "clusterIP": "10.0.0.7",
        "clusterIPs": ["10.0.0.7"],
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": [{"name": "app", "port": 80, "protocol": "TCP", "targetPort": 3000}],
        "selector": {"setops.co/app": "web"},
        "sessionAffinity": "None",
        "type": "ClusterIP",
    },
    "status": {"loadBalancer": {}},
}

POLICY: Object = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "web", "namespace": "shop-prod"},
    "spec": {
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 3000}]}],
    },
}
LIVE_POLICY: Object = {
    **POLICY,
    "spec": {
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [{"namespaceSelector": {}}], "ports": [{"port": 3000, "protocol": "TCP"}]}
        ],
    },
}

QUOTA: Object = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "quota", "namespace": "shop-prod"},
    "spec": {"hard": {"requests.cpu": "2000m", "limits.memory": "4096Mi", "pods": 20}},
}
LIVE_QUOTA: Object = {
    **QUOTA,
    "spec": {"hard": {"requests.cpu": "2", "limits.memory": "4Gi", "pods": "20"}},
    "status": {"hard": {}, "used": {}},
}


@pytest.mark.parametrize(
    ("why", "desired", "live", "expected"),
    [
        ("defaults of a Service", SERVICE, LIVE_SERVICE, ()),
        (
            "a selector that finds fewer pods",
            SERVICE,
            at(LIVE_SERVICE, ("spec", "selector", "version"), "2"),
            ("spec.selector.version",),
        ),
        (
            "the number of a port is not its name",
            SERVICE,
            at(LIVE_SERVICE, ("spec", "ports", 0, "targetPort"), 3001),
            ("spec.ports[80/TCP].targetPort",),
        ),
        ("defaults of a policy", POLICY, LIVE_POLICY, ()),
        (
            "another peer in the same rule",
            POLICY,
            at(LIVE_POLICY, ("spec", "ingress", 0, "from", 0, "podSelector"), {}),
            ("spec.ingress",),
        ),
        (
            "a rule that lets everybody in",
            POLICY,
            at(LIVE_POLICY, ("spec", "ingress"), lambda rules: [*rules, {}]),
            ("spec.ingress",),
        ),
        (
            "a policy that covers fewer pods",
            POLICY,
            at(LIVE_POLICY, ("spec", "podSelector", "matchLabels"), {"x": "y"}),
            ("spec.podSelector.matchLabels",),
        ),
        ("the same quantities", QUOTA, LIVE_QUOTA, ()),
        (
            "one more quota",
            QUOTA,
            at(LIVE_QUOTA, ("spec", "hard", "services"), "0"),
            ("spec.hard.services",),
        ),
        (
            "a smaller quota",
            QUOTA,
            at(LIVE_QUOTA, ("spec", "hard", "pods"), "19"),
            ("spec.hard.pods",),
        ),
    ],
)
def test_other_kinds(why: str, desired: Object, live: Object, expected: tuple[str, ...]) -> None:
    assert differences(desired, live) == expected, why


SECRET: Object = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "store", "namespace": "shop-prod"},
    "stringData": {"url": "s3://bucket"},
}


@pytest.mark.parametrize(
    ("why", "data", "expected"),
    [
        ("text and base64 are the same", {"url": "czM6Ly9idWNrZXQ="}, ()),
        ("another value", {"url": "eA=="}, ("data.url",)),
        ("no value", {}, ("data.url",)),
        ("one more key", {"url": "czM6Ly9idWNrZXQ=", "x": "eA=="}, ("data.x",)),
        (
            "a hash stands for its value",
            {"url": "sha256:9c9c4bd6b0a4fda1fc43a1e0ea2ecbd7e4b0d4d0a9d3a3a9c2f1d0c6a5b4e3f2"},
            ("data.url",),
        ),
    ],
)
def test_secrets(why: str, data: dict[str, str], expected: tuple[str, ...]) -> None:
    live = {k: v for k, v in SECRET.items() if k != "stringData"} | {"data": data, "type": "Opaque"}
    assert differences(SECRET, live) == expected, why


def test_no_value_is_shown() -> None:
    live = {**SECRET, "stringData": {"url": "other"}}
    assert "other" not in str(differences(SECRET, live))
