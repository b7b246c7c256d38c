"""The pod of an App: its labels, its container and what it gets from the Stage around it.

This module alone decides what a pod looks like. A change restarts containers if, and only if, it
changes what `pod_template` returns; the plan compares templates to announce that.

Source of the rules: the platform's App settings and what they mean on Kubernetes (design, Apps).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from setops.api import names
from setops.api.app import AppSpec
from setops.api.container import ContainerHealthCheck
from setops.api.kinds import Object
from setops.desired.metadata import StageNames
from setops.desired.namespace import PodSecurity
from setops.desired.quantities import cpu, memory

CONTAINER: Final = "app"
URL_KEY: Final = "url"
"""The entry of a Service's Secret that a link gives to the App."""

GRACE_SECONDS: Final = 60
"""The grace period of a pod, from SIGTERM to SIGKILL. The platform promises at least one minute.

The operator's own is `shutdown_grace` in `runtime/settings`.
"""

_PROBE_SECONDS: Final = 10
# The codes that a kubelet's own http check accepts; others are the load balancer's business.
_KUBELET_CODES: Final = "200-399"


@dataclass(frozen=True, slots=True)
class LinkSecret:
    """The Secret of a linked Service: its name, and a hash that changes with the link's value."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPod:
    """What an App's pods are made from.

    `link_secrets` holds the Secret of each linked Service that has one, by the Service's name.
    """

    name: str
    spec: AppSpec
    stage: StageNames
    link_secrets: Mapping[str, LinkSecret]
    pod_security: PodSecurity = "baseline"
    image_pull_secrets: tuple[str, ...] = ()

    def own_labels(self) -> dict[str, str]:
        """The labels that every object of the App carries, in addition to the Stage's."""
        return {names.LABEL_NAME: self.name, names.LABEL_APP: self.name}


def app_pods(app: str) -> dict[str, str]:
    """The labels that select an App's long-running pods, but not those of its tasks."""
    return {names.LABEL_APP: app, names.LABEL_COMPONENT: names.COMPONENT_APP}


def pod_labels(pod: AppPod) -> dict[str, str]:
    """All labels of an App's pods."""
    return {
        **pod.stage.labels(),  # managed-by, part-of, project, stage
        **pod.own_labels(),  # name, app
        **app_pods(pod.name),  # app, component
    }


def pod_template(pod: AppPod) -> Object | None:
    """The template of the App's pods; None while no image is set."""
    image = pod.spec.running_image
    if image is None:
        return None
    return {"metadata": _metadata(pod), "spec": _pod_spec(pod, image)}


def service_account_name(app: str) -> str:
    """Prefixed, since an App may be called `default`, as the namespace's own account is."""
    return f"app-{app}"


def literal(text: str) -> str:
    """Text that reaches the container as it is: Kubernetes expands `$(NAME)` and halves `$$`."""
    return text.replace("$", "$$") if "$(" in text or "$$" in text else text


def _metadata(pod: AppPod) -> Object:
    metadata: Object = {"labels": pod_labels(pod)}
    if pod.link_secrets:
        metadata["annotations"] = {
            names.ANNOTATION_SECRET_HASH: _combined(pod.link_secrets.values())
        }
    return metadata


def _combined(secrets: Iterable[LinkSecret]) -> str:
    parts = sorted(f"{secret.name}={secret.digest}" for secret in secrets)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _pod_spec(pod: AppPod, image: str) -> Object:
    restricted = pod.pod_security == "restricted"
    spec: Object = {
        "serviceAccountName": service_account_name(pod.name),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": {
            "seccompProfile": {"type": "RuntimeDefault"},
            **({"runAsNonRoot": True} if restricted else {}),
        },
        "topologySpreadConstraints": [
            _spread(pod.name, "topology.kubernetes.io/zone"),
            _spread(pod.name, "kubernetes.io/hostname"),
        ],
        "containers": [_container(pod, image)],
    }
    if pod.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in pod.image_pull_secrets]
    return spec


def _spread(app: str, topology: str) -> Object:
    return {
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": app_pods(app)},
        # Old and new pods of a rollout are spread each for themselves.
        "matchLabelKeys": ["pod-template-hash"],
    }


def _container(pod: AppPod, image: str) -> Object:
    spec = pod.spec
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
        "env": _environment(pod),
        "resources": {
            "requests": {"cpu": cpu(spec.resources.cpu), "memory": limit},
            "limits": {"memory": limit},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            **({"capabilities": {"drop": ["ALL"]}} if pod.pod_security == "restricted" else {}),
        },
    }
    readiness = _readiness(spec)
    if readiness is not None:
        container["readinessProbe"] = readiness
    return {**container, **_how_it_starts(spec)}


def _how_it_starts(spec: AppSpec) -> Object:
    """Program, arguments and probes. To Kubernetes an empty list is the same as none."""
    settings: Object = {}
    if spec.container is None:
        return settings
    if spec.container.entrypoint:
        settings["command"] = [literal(word) for word in spec.container.entrypoint]
    if spec.container.command:
        settings["args"] = [literal(word) for word in spec.container.command]
    if spec.container.health_check is not None:
        settings |= _container_probes(spec.container.health_check)
    return settings


def _environment(pod: AppPod) -> list[Object]:
    variables: list[Object] = [{"name": "PORT", "value": str(pod.spec.network.port)}]
    for key, variable in sorted((pod.spec.env or {}).items()):
        if variable.secret_ref is not None:
            variables.append(_from_secret(key, variable.secret_ref.name, variable.secret_ref.key))
        else:
            variables.append({"name": key, "value": literal(variable.value or "")})
    for service, link in sorted((pod.spec.links or {}).items()):
        if link.env_key is not None and service in pod.link_secrets:
            variables.append(_from_secret(link.env_key, pod.link_secrets[service].name, URL_KEY))
    return variables


def _from_secret(name: str, secret: str, key: str) -> Object:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


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
    """Only a public App has a check from outside.

    Definition files hold a default check for every App, so a private one says nothing with it: a
    worker that listens nowhere must become ready.
    """
    network, check = spec.network, spec.network.health_check
    if not network.public:
        return None
    if check is not None and check.status == _KUBELET_CODES:
        return {
            "httpGet": {"path": check.path or "/", "port": network.port},
            "periodSeconds": _PROBE_SECONDS,
        }
    return {"tcpSocket": {"port": network.port}, "periodSeconds": _PROBE_SECONDS}
