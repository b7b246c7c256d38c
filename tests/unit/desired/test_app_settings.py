"""Each setting of an App, and what it becomes on Kubernetes."""

from __future__ import annotations

from typing import Any, Final

import pytest

from setops.api.kinds import (
    CORE_SERVICE,
    DEPLOYMENT,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    SERVICE_ACCOUNT,
    Kind,
    Object,
)
from tests.unit.desired.samples import STORE, build

POD: Final = "spec.template.spec"
CONTAINER: Final = f"{POD}.containers.0"
CHECK: Final = {"command": ["pg_isready", "-U", "$(id)"], "interval": 7, "timeout": 3, "retries": 4}
ABSENT: Final = object()


def at(obj: Object, path: str) -> Any:
    """The value at a dotted path, or ABSENT."""
    found: Any = obj
    for part in path.split("."):
        if isinstance(found, list) and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, dict) and part in found:
            found = found[part]
        else:
            return ABSENT
    return found


SETTINGS: Final[list[tuple[str, Object, str, Any]]] = [
    ("the image runs as it is written", {"image": "r.example.com/a:1"}, f"{CONTAINER}.image",
     "r.example.com/a:1"),
    ("the active release runs, not another",
     {"image": None, "releases": {"1": {"image": "a:1"}, "2": {"image": "a:2"}},
      "activeRelease": 1}, f"{CONTAINER}.image", "a:1"),
    ("128 units are reserved unless said otherwise", {}, f"{CONTAINER}.resources.requests.cpu",
     "125m"),
    ("1024 units are one core", {"resources": {"cpu": 1024}},
     f"{CONTAINER}.resources.requests.cpu", "1"),
    ("a core and a half", {"resources": {"cpu": 1536}}, f"{CONTAINER}.resources.requests.cpu",
     "1500m"),
    ("bursts are allowed: cpu has no limit", {"resources": {"cpu": 1024}},
     f"{CONTAINER}.resources.limits.cpu", ABSENT),
    ("memory is reserved", {"resources": {"memory": 512}},
     f"{CONTAINER}.resources.requests.memory", "512Mi"),
    ("and is the hard limit", {"resources": {"memory": 512}},
     f"{CONTAINER}.resources.limits", {"memory": "512Mi"}),
    ("256 MB unless said otherwise", {}, f"{CONTAINER}.resources.limits.memory", "256Mi"),
    ("one container unless said otherwise", {}, "spec.replicas", 1),
    ("scale is the number of containers", {"resources": {"scale": 16}}, "spec.replicas", 16),
    ("scale 0 stops the App", {"resources": {"scale": 0}}, "spec.replicas", 0),
    ("spread over zones", {}, f"{POD}.topologySpreadConstraints.0.topologyKey",
     "topology.kubernetes.io/zone"),
    ("and over nodes", {}, f"{POD}.topologySpreadConstraints.1.topologyKey",
     "kubernetes.io/hostname"),
    ("a full zone doesn't keep a container from running", {},
     f"{POD}.topologySpreadConstraints.0.whenUnsatisfiable", "ScheduleAnyway"),
    ("a minute from SIGTERM to SIGKILL", {}, f"{POD}.terminationGracePeriodSeconds", 60),
    ("new containers are ready before old ones go", {},
     "spec.strategy.rollingUpdate.maxUnavailable", 0),
    ("a rollout that doesn't move is given up", {}, "spec.progressDeadlineSeconds", 300),
    ("the port is given as PORT", {}, f"{CONTAINER}.env", [{"name": "PORT", "value": "5000"}]),
    ("any port", {"network": {"port": 8080}}, f"{CONTAINER}.env.0.value", "8080"),
    ("also for tcp", {"network": {"protocol": "tcp", "port": 25}}, f"{CONTAINER}.env.0.value",
     "25"),
    ("the port is named after the protocol", {"network": {"protocol": "tcp", "port": 25}},
     f"{CONTAINER}.ports", [{"name": "tcp", "containerPort": 25, "protocol": "TCP"}]),
    ("a value", {"env": {"A": {"value": "x y"}}}, f"{CONTAINER}.env.1",
     {"name": "A", "value": "x y"}),
    ("an empty value is a value", {"env": {"A": {"value": ""}}}, f"{CONTAINER}.env.1",
     {"name": "A", "value": ""}),
    ("a value is not expanded", {"env": {"A": {"value": "$(PORT)"}}}, f"{CONTAINER}.env.1.value",
     "$$(PORT)"),
    ("a value from a Secret is never copied",
     {"env": {"A": {"secretRef": {"name": "creds", "key": "token"}}}}, f"{CONTAINER}.env.1",
     {"name": "A", "valueFrom": {"secretKeyRef": {"name": "creds", "key": "token"}}}),
    ("a link's value comes from the Service's Secret", {"links": {"store": {"envKey": "S3"}}},
     f"{CONTAINER}.env.1",
     {"name": "S3", "valueFrom": {"secretKeyRef": {"name": "service-store", "key": "url"}}}),
    ("a volume's link is no variable", {"links": {"store": {"path": "/data"}}},
     f"{CONTAINER}.env.1", ABSENT),
    ("command is CMD", {"container": {"command": ["-c", "echo $(x)"]}}, f"{CONTAINER}.args",
     ["-c", "echo $$(x)"]),
    ("and leaves ENTRYPOINT alone", {"container": {"command": ["x"]}}, f"{CONTAINER}.command",
     ABSENT),
    ("entrypoint is ENTRYPOINT", {"container": {"entrypoint": ["sh", "$$"]}},
     f"{CONTAINER}.command", ["sh", "$$$$"]),
    ("and leaves CMD alone", {"container": {"entrypoint": ["sh"]}}, f"{CONTAINER}.args", ABSENT),
    ("without a health check nothing restarts it", {}, f"{CONTAINER}.livenessProbe", ABSENT),
    ("nor is its start watched", {}, f"{CONTAINER}.startupProbe", ABSENT),
    ("a health check restarts it after so many failures", {"container": {"healthCheck": CHECK}},
     f"{CONTAINER}.livenessProbe",
     {"exec": {"command": ["pg_isready", "-U", "$$(id)"]}, "periodSeconds": 7,
      "timeoutSeconds": 3, "failureThreshold": 4}),
    ("the start period is rounded up to whole checks and comes before the retries",
     {"container": {"healthCheck": {**CHECK, "startPeriod": 15}}},
     f"{CONTAINER}.startupProbe.failureThreshold", 3 + 4),
    ("without a start period only the retries count",
     {"container": {"healthCheck": {**CHECK, "startPeriod": 0}}},
     f"{CONTAINER}.startupProbe.failureThreshold", 4),
    ("no token of the cluster's", {}, f"{POD}.automountServiceAccountToken", False),
    ("no variables of neighbours", {}, f"{POD}.enableServiceLinks", False),
    ("the runtime's seccomp profile", {}, f"{POD}.securityContext",
     {"seccompProfile": {"type": "RuntimeDefault"}}),
    ("no more privileges than at the start, and images that run as root run", {},
     f"{CONTAINER}.securityContext", {"allowPrivilegeEscalation": False}),
    ("registries without credentials", {}, f"{POD}.imagePullSecrets", ABSENT),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "path", "expected"),
    [row[1:] for row in SETTINGS],
    ids=[row[0] for row in SETTINGS],
)
def test_setting(spec: Object, path: str, expected: Any) -> None:
    deployment = build(spec, link_secrets={"store": STORE})[DEPLOYMENT]
    assert at(deployment, path) == expected


KUBELETS: Final = {"status": "200-399"}
EVERY: Final = {"tcpSocket": {"port": 5000}, "periodSeconds": 10}
CHECKS: Final[list[tuple[str, Object, Any]]] = [
    ("a worker that listens nowhere", {}, ABSENT),
    ("nor with the default check of a definition file", {"healthCheck": {}}, ABSENT),
    ("nor with that check in full", {"healthCheck": {"path": "/", "status": "200-499"}}, ABSENT),
    ("nor with the kubelet's own codes", {"healthCheck": KUBELETS}, ABSENT),
    ("nor with a path of its own", {"healthCheck": {"path": "/up", **KUBELETS}}, ABSENT),
    ("nor where it says that it isn't public", {"public": False, "healthCheck": {}}, ABSENT),
    ("nor with a port of its own", {"port": 80, "healthCheck": {"path": "/up"}}, ABSENT),
    ("a private tcp App", {"protocol": "tcp", "port": 25}, ABSENT),
    ("a public App is ready when it listens", {"public": True}, EVERY),
    ("so with an empty check", {"public": True, "healthCheck": {}}, EVERY),
    ("so is a public tcp App", {"public": True, "protocol": "tcp", "port": 25},
     {**EVERY, "tcpSocket": {"port": 25}}),
    ("codes that a kubelet can't tell apart are left to the load balancer",
     {"public": True, "healthCheck": {"path": "/up", "status": "200-299"}}, EVERY),
    ("so are those of the default", {"public": True, "healthCheck": {"status": "200-499"}}, EVERY),
    ("the kubelet's own codes are asked for by the kubelet",
     {"public": True, "port": 80, "healthCheck": {"path": "/up", **KUBELETS}},
     {"httpGet": {"path": "/up", "port": 80}, "periodSeconds": 10}),
    ("and at / unless said otherwise", {"public": True, "healthCheck": KUBELETS},
     {"httpGet": {"path": "/", "port": 5000}, "periodSeconds": 10}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("network", "probe"), [row[1:] for row in CHECKS], ids=[row[0] for row in CHECKS]
)
def test_only_a_public_app_is_asked_from_outside(network: Object, probe: Any) -> None:
    deployment = build({"network": network})[DEPLOYMENT]
    assert at(deployment, f"{CONTAINER}.readinessProbe") == probe
    assert at(deployment, f"{CONTAINER}.livenessProbe") is ABSENT


def test_a_restricted_stage_refuses_root_and_drops_every_capability() -> None:
    deployment = build({}, pod_security="restricted")[DEPLOYMENT]
    assert at(deployment, f"{POD}.securityContext") == {
        "seccompProfile": {"type": "RuntimeDefault"},
        "runAsNonRoot": True,
    }
    assert at(deployment, f"{CONTAINER}.securityContext") == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_stages_registry_credentials_are_used() -> None:
    deployment = build({}, image_pull_secrets=("one", "two"))[DEPLOYMENT]
    assert at(deployment, f"{POD}.imagePullSecrets") == [{"name": "one"}, {"name": "two"}]


def test_neither_account_nor_pod_gets_a_token() -> None:
    made = build({})
    account = made[SERVICE_ACCOUNT]
    assert account["automountServiceAccountToken"] is False
    assert at(made[DEPLOYMENT], f"{POD}.serviceAccountName") == account["metadata"]["name"]


@pytest.mark.parametrize(
    ("spec", "kind", "there"),
    [
        pytest.param({"resources": {"scale": 0}}, POD_DISRUPTION_BUDGET, False, id="none to keep"),
        pytest.param({}, POD_DISRUPTION_BUDGET, False, id="it would block every drain"),
        pytest.param({"resources": {"scale": 2}}, POD_DISRUPTION_BUDGET, True, id="two"),
        pytest.param({"image": None}, DEPLOYMENT, False, id="no release is active"),
        pytest.param({"image": None}, CORE_SERVICE, True, id="the private name exists already"),
        pytest.param(
            {"image": None, "resources": {"scale": 2}}, POD_DISRUPTION_BUDGET, False, id="nothing"
        ),
        pytest.param({}, NETWORK_POLICY, False, id="never any traffic from outside the Stage"),
        pytest.param({"network": {"public": True}}, NETWORK_POLICY, True, id="public"),
    ],
)
def test_object_is_made(spec: Object, kind: Kind, there: bool) -> None:
    assert (kind in build(spec)) is there


def test_one_container_at_a_time_is_drained() -> None:
    budget = build({"resources": {"scale": 5}})[POD_DISRUPTION_BUDGET]
    assert budget["spec"]["maxUnavailable"] == 1


def test_the_private_name_leads_to_the_apps_pods() -> None:
    made = build({"network": {"port": 8080}})
    service = made[CORE_SERVICE]
    assert service["metadata"]["name"] == "web"
    assert service["spec"]["selector"] == at(made[DEPLOYMENT], "spec.selector.matchLabels")
    assert service["spec"]["ports"] == [
        {"name": "http", "port": 8080, "targetPort": 8080, "protocol": "TCP"}
    ]


def test_a_public_app_is_open_to_the_ingress_controller_and_to_nothing_else() -> None:
    controller = {"kubernetes.io/metadata.name": "ingress"}
    made = build({"network": {"public": True, "port": 8080}}, ingress_namespace_labels=controller)
    assert made[NETWORK_POLICY]["spec"] == {
        "podSelector": {"matchLabels": at(made[DEPLOYMENT], "spec.selector.matchLabels")},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"namespaceSelector": {"matchLabels": controller}}],
                "ports": [{"protocol": "TCP", "port": 8080}],
            }
        ],
    }
