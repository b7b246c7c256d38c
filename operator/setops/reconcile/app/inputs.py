"""What the child objects of an App are made from, as the cluster has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from setops.api.app import AppSpec
from setops.api.kinds import CORE_SERVICE, DEPLOYMENT, POD, SECRET, SERVICE, Key
from setops.desired.app import AppObjects
from setops.desired.metadata import Owner
from setops.desired.pod import URL_KEY, LinkSecret
from setops.kube.cluster import Cluster
from setops.reconcile.app.selectors import selectors
from setops.reconcile.context import Context
from setops.reconcile.stage_around import StageAround


@dataclass(frozen=True, slots=True)
class AppInputs:
    """The description of an App's objects, and the linked Services that have no Secret yet."""

    objects: AppObjects
    missing: tuple[str, ...]


def inputs_of(context: Context, around: StageAround, app: Owner, spec: AppSpec) -> AppInputs:
    """The inputs for an App of this spec; `app` is the App itself, which owns its objects."""
    cluster, namespace = context.cluster, around.names.namespace
    secrets, missing = _link_secrets(cluster, namespace, spec)
    objects = AppObjects(
        name=app.name,
        spec=spec,
        stage=around.names,
        owner=app,
        link_secrets=secrets,
        pod_security=around.spec.pod_security,
        image_pull_secrets=tuple(around.spec.image_pull_secrets or ()),
        ingress_namespace_labels=context.options.ingress_namespace_labels,
        selectors=selectors(
            app.name,
            cluster.get(Key(DEPLOYMENT, namespace, app.name)),
            cluster.get(Key(CORE_SERVICE, namespace, app.name)),
            lambda: cluster.list(POD, namespace),
        ),
    )
    return AppInputs(objects, missing)


def with_placeholders(inputs: AppInputs) -> AppObjects:
    """The description as if every linked Service had its Secret."""
    placeholders = {service: LinkSecret(service, "") for service in inputs.missing}
    return replace(inputs.objects, link_secrets={**inputs.objects.link_secrets, **placeholders})


def _link_secrets(
    cluster: Cluster, namespace: str, spec: AppSpec
) -> tuple[Mapping[str, LinkSecret], tuple[str, ...]]:
    """The Secrets of the linked Services, and the names of those Services that have none yet."""
    found, missing = {}, []
    for service in sorted(spec.links or {}):
        live = cluster.get(Key(SERVICE, namespace, service))
        name = (live.get("status") or {}).get("secret") if live else None
        secret = cluster.get(Key(SECRET, namespace, name)) if name else None
        digest = (secret.get("data") or {}).get(URL_KEY) if secret else None
        if name is None or digest is None:
            missing.append(service)
        else:
            found[service] = LinkSecret(name, digest)
    return found, tuple(missing)
