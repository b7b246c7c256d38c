"""One App as Kubernetes objects: service account, Deployment, Service, disruption budget, policy.

Source of the rules: the platform's App settings and what they mean on Kubernetes (design, Apps).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from setops.api.deadlines import ROLLOUT_SECONDS
from setops.api.kinds import (
    CORE_SERVICE,
    DEPLOYMENT,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    SERVICE_ACCOUNT,
    Object,
)
from setops.desired.metadata import Owner, manifest
from setops.desired.pod import AppPod, app_pods, pod_template, service_account_name

_KEPT_REPLICA_SETS: Final = 3


@dataclass(frozen=True, slots=True)
class Selectors:
    """By which labels an App's pods are found: by its Deployment, and by everything else."""

    deployment: Mapping[str, str]
    pods: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppObjects(AppPod):
    """What the objects of an App are made from.

    `selectors` is None for a new App. `ingress_namespace_labels` select the namespace of the
    ingress controller, from which public Apps are reached.
    """

    owner: Owner
    selectors: Selectors | None = None
    ingress_namespace_labels: Mapping[str, str] = field(default_factory=dict)

    def deployment_selector(self) -> dict[str, str]:
        """The Deployment's selector, which never changes."""
        return dict(self.selectors.deployment) if self.selectors else app_pods(self.name)

    def pod_selector(self) -> dict[str, str]:
        """The selector of Service, disruption budget, network policy and scale subresource."""
        return dict(self.selectors.pods) if self.selectors else app_pods(self.name)

    def inputs_beside_spec(self) -> str:
        """Differs whenever the objects may differ although the App's spec is the same."""
        inputs = {each.name: getattr(self, each.name) for each in fields(self)}
        del inputs["spec"]
        return repr([(name, _ordered(value)) for name, value in sorted(inputs.items())])


def app_objects(app: AppObjects) -> list[Object]:
    """All objects of an App, in the order in which they are written."""
    objects = [_service_account(app), _service(app)]
    if app.spec.network.public:
        objects.append(_public_policy(app))
    template = pod_template(app)
    if template is not None:
        objects.append(_deployment(app, template))
        if app.spec.resources.scale > 1:
            objects.append(_disruption_budget(app))
    return objects


def selector_text(selector: Mapping[str, str]) -> str:
    """A selector as text, for the scale subresource."""
    return ",".join(f"{name}={value}" for name, value in sorted(selector.items()))


def _ordered(value: object) -> object:
    return sorted(value.items()) if isinstance(value, Mapping) else value


def _service_account(app: AppObjects) -> Object:
    return manifest(
        SERVICE_ACCOUNT,
        service_account_name(app.name),
        app.stage,
        app.owner,
        app.own_labels(),
        automountServiceAccountToken=False,
    )


def _service(app: AppObjects) -> Object:
    network = app.spec.network
    return manifest(
        CORE_SERVICE,
        app.name,
        app.stage,
        app.owner,
        app.own_labels(),
        spec={
            "type": "ClusterIP",
            "selector": app.pod_selector(),
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
        app.stage,
        app.owner,
        app.own_labels(),
        spec={
            "podSelector": {"matchLabels": app.pod_selector()},
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
        app.stage,
        app.owner,
        app.own_labels(),
        spec={"maxUnavailable": 1, "selector": {"matchLabels": app.pod_selector()}},
    )


def _deployment(app: AppObjects, template: Object) -> Object:
    return manifest(
        DEPLOYMENT,
        app.name,
        app.stage,
        app.owner,
        app.own_labels(),
        spec={
            "replicas": app.spec.resources.scale,
            "revisionHistoryLimit": _KEPT_REPLICA_SETS,
            "progressDeadlineSeconds": ROLLOUT_SECONDS,
            "selector": {"matchLabels": app.deployment_selector()},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
            },
            "template": template,
        },
    )
