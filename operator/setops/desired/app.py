"""One App as Kubernetes objects: service account, Deployment, Service, disruption budget, policy.

Source of the rules: the platform's App settings and what they mean on Kubernetes (design, Apps).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from setops.api import names
from setops.api.app import AppSpec
from setops.api.container import ContainerHealthCheck
from setops.api.deadlines import ROLLOUT_SECONDS
from setops.api.kinds import (
    CORE_SERVICE,
    DEPLOYMENT,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    SERVICE_ACCOUNT,
    Object,
)
from setops.desired.metadata import Owner, Place, manifest
from setops.desired.namespace import PodSecurity
from setops.desired.quantities import cpu, memory

CONTAINER: Final = "app"
URL_KEY: Final = "url"
"""The entry of a Service's Secret that a link gives to the App."""

STOP_SECONDS: Final = 60
"""From SIGTERM to SIGKILL; the platform promises at least one minute."""
_KEPT_REPLICA_SETS: Final = 3
# The codes that a kubelet's own http check accepts; others are the load balancer's business.
_KUBELET_CODES: Final = "200-399"


@dataclass(frozen=True, slots=True)
class AppObjects:
    """What the objects of an App are made from.

    `link_secrets` names, for each linked Service, its Secret and a hash of the value it gives.
    `ingress_namespace_labels` select the namespace of the ingress controller, from which public
    Apps are reached.
    """

    name: str
    spec: AppSpec
    place: Place
    owner: Owner
    link_secrets: Mapping[str, LinkSecret]
    pod_security: PodSecurity = "baseline"
    image_pull_secrets: tuple[str, ...] = ()
    ingress_namespace_labels: Mapping[str, str] = field(default_factory=dict)

    def labels(self) -> dict[str, str]:
        """Labels of every object of the App; the pods' selector is `selector`."""
        return {names.LABEL_NAME: self.name, names.LABEL_APP: self.name}

    def selector(self) -> dict[str, str]:
        """The labels by which the App's pods are found; never change, as Deployments demand."""
        return {names.LABEL_APP: self.name}


@dataclass(frozen=True, slots=True)
class LinkSecret:
    """The Secret of a linked Service: its name, and a hash that changes with the link's value."""

    name: str
    digest: str


def app_objects(app: AppObjects) -> list[Object]:
    """All objects of an App, in the order in which they are written."""
    objects = [_service_account(app), _service(app)]
    if app.spec.network.public:
        objects.append(_public_policy(app))
    if app.spec.running_image is not None:
        objects.append(_deployment(app, app.spec.running_image))
        if app.spec.resources.scale > 1:
            objects.append(_disruption_budget(app))
    return objects


def service_account_name(app: str) -> str:
    """Prefixed, since an App may be called `default`, as the namespace's own account is."""
    return f"app-{app}"


def pod_selector(app: str) -> str:
    """The label selector of an App's pods, as text for the scale subresource."""
    return f"{names.LABEL_APP}={app}"


def _service_account(app: AppObjects) -> Object:
    return manifest(
        SERVICE_ACCOUNT,
        service_account_name(app.name),
        app.place,
        app.owner,
        app.labels(),
        automountServiceAccountToken=False,
    )


def _service(app: AppObjects) -> Object:
    network = app.spec.network
    return manifest(
        CORE_SERVICE,
        app.name,
        app.place,
        app.owner,
        app.labels(),
        spec={
            "type": "ClusterIP",
            "selector": app.selector(),
            "ports": [
                {
                    "name": network.protocol,
                    "port": network.port,
                    "targetPort": network.port,
                    "protocol": "TCP",
                }
            ],
        },
    )


def _public_policy(app: AppObjects) -> Object:
    """Lets the ingress controller reach a public App; the Stage refuses all else from outside."""
    controller = {"matchLabels": dict(app.ingress_namespace_labels)}
    return manifest(
        NETWORK_POLICY,
        f"app-{app.name}",
        app.place,
        app.owner,
        app.labels(),
        spec={
            "podSelector": {"matchLabels": app.selector()},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [{"namespaceSelector": controller}],
                    "ports": [{"protocol": "TCP", "port": app.spec.network.port}],
                }
            ],
        },
    )


def _disruption_budget(app: AppObjects) -> Object:
    return manifest(
        POD_DISRUPTION_BUDGET,
        app.name,
        app.place,
        app.owner,
        app.labels(),
        spec={"maxUnavailable": 1, "selector": {"matchLabels": app.selector()}},
    )


def _deployment(app: AppObjects, image: str) -> Object:
    return manifest(
        DEPLOYMENT,
        app.name,
        app.place,
        app.owner,
        app.labels(),
        spec={
            "replicas": app.spec.resources.scale,
            "revisionHistoryLimit": _KEPT_REPLICA_SETS,
            "progressDeadlineSeconds": ROLLOUT_SECONDS,
            "selector": {"matchLabels": app.selector()},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
            },
            "template": {
                "metadata": _pod_metadata(app),
                "spec": _pod_spec(app, image),
            },
        },
    )


def _pod_metadata(app: AppObjects) -> Object:
    metadata: Object = {"labels": {**app.place.labels(), **app.labels()}}
    if app.link_secrets:
        metadata["annotations"] = {
            names.ANNOTATION_SECRET_HASH: _combined(app.link_secrets.values())
        }
    return metadata


def _combined(secrets: Iterable[LinkSecret]) -> str:
    parts = sorted(f"{secret.name}={secret.digest}" for secret in secrets)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _pod_spec(app: AppObjects, image: str) -> Object:
    restricted = app.pod_security == "restricted"
    pod: Object = {
        "serviceAccountName": service_account_name(app.name),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": STOP_SECONDS,
        "securityContext": {
            "seccompProfile": {"type": "RuntimeDefault"},
            **({"runAsNonRoot": True} if restricted else {}),
        },
        "topologySpreadConstraints": [
            _spread(app, "topology.kubernetes.io/zone"),
            _spread(app, "kubernetes.io/hostname"),
        ],
        "containers": [_container(app, image)],
    }
    if app.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in app.image_pull_secrets]
    return pod


def _spread(app: AppObjects, topology: str) -> Object:
    return {
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": app.selector()},
        # Old and new pods of a rollout are spread each for themselves.
        "matchLabelKeys": ["pod-template-hash"],
    }


def _container(app: AppObjects, image: str) -> Object:
    spec = app.spec
    limit = memory(spec.resources.memory)
    container: Object = {
        "name": CONTAINER,
        "image": image,
        "ports": [
            {
                "name": spec.network.protocol,
                "containerPort": spec.network.port,
                "protocol": "TCP",
            }
        ],
        "env": _environment(app),
        "resources": {
            "requests": {"cpu": cpu(spec.resources.cpu), "memory": limit},
            "limits": {"memory": limit},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            **({"capabilities": {"drop": ["ALL"]}} if app.pod_security == "restricted" else {}),
        },
    }
    if spec.container is not None and spec.container.entrypoint is not None:
        container["command"] = [literal(word) for word in spec.container.entrypoint]
    if spec.container is not None and spec.container.command is not None:
        container["args"] = [literal(word) for word in spec.container.command]
    if spec.container is not None and spec.container.health_check is not None:
        container.update(_container_probes(spec.container.health_check))
    readiness = _readiness(spec)
    if readiness is not None:
        container["readinessProbe"] = readiness
    return container


def _environment(app: AppObjects) -> list[Object]:
    variables: list[Object] = [{"name": "PORT", "value": str(app.spec.network.port)}]
    for key, variable in sorted((app.spec.env or {}).items()):
        if variable.secret_ref is not None:
            variables.append(_from_secret(key, variable.secret_ref.name, variable.secret_ref.key))
        else:
            variables.append({"name": key, "value": literal(variable.value or "")})
    for service, link in sorted((app.spec.links or {}).items()):
        if link.env_key is not None and service in app.link_secrets:
            variables.append(_from_secret(link.env_key, app.link_secrets[service].name, URL_KEY))
    return variables


def _from_secret(name: str, secret: str, key: str) -> Object:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def literal(text: str) -> str:
    """Text that reaches the container as it is: Kubernetes expands `$(NAME)` and halves `$$`."""
    return text.replace("$", "$$") if "$(" in text or "$$" in text else text


def _container_probes(check: ContainerHealthCheck) -> Object:
    probe: Object = {
        "exec": {"command": [literal(word) for word in check.command]},
        "periodSeconds": check.interval,
        "timeoutSeconds": check.timeout,
    }
    tries_while_starting = -(-check.start_period // check.interval)
    return {
        "livenessProbe": {**probe, "failureThreshold": check.retries},
        "startupProbe": {**probe, "failureThreshold": tries_while_starting + check.retries},
    }


def _readiness(spec: AppSpec) -> Object | None:
    """Only where somebody outside asks: a worker that listens nowhere must become ready too."""
    network = spec.network
    if not network.public and network.health_check is None:
        return None
    if network.health_check is not None and network.health_check.status == _KUBELET_CODES:
        return {
            "httpGet": {"path": network.health_check.path or "/", "port": network.port},
            "periodSeconds": 10,
        }
    return {"tcpSocket": {"port": network.port}, "periodSeconds": 10}
