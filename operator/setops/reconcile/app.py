"""Apps: their children on Kubernetes, and what runs of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from setops.api.app import AppSpec
from setops.api.conditions import Reason
from setops.api.kinds import (
    APP,
    CORE_SERVICE,
    DEPLOYMENT,
    NETWORK_POLICY,
    POD,
    POD_DISRUPTION_BUDGET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    Key,
    Object,
    key_of,
)
from setops.api.names import LABEL_APP
from setops.desired.app import URL_KEY, AppObjects, LinkSecret, app_objects, pod_selector
from setops.desired.metadata import Owner
from setops.reconcile.children import apply_all, remove_unwanted
from setops.reconcile.context import Context
from setops.reconcile.places import StagePlace, is_deleting, labels_of, stage_around
from setops.reconcile.report import Later, Report
from setops.reconcile.rollout import Stand, is_complete, judge

_PATIENCE = 1.0
"""Seconds for which a new App's pods wait for other Apps' Services at most."""

_KINDS = (SERVICE_ACCOUNT, CORE_SERVICE, NETWORK_POLICY, DEPLOYMENT, POD_DISRUPTION_BUDGET)


@dataclass(frozen=True, slots=True)
class Identity:
    """Name and uid of an App."""

    name: str
    uid: str


async def reconcile(context: Context, app: Object) -> Report | Later | None:
    """Make the App's children what its spec says, and report what runs."""
    if is_deleting(app):
        return None
    cluster = context.cluster
    metadata = app["metadata"]
    name, namespace = metadata["name"], metadata["namespace"]
    spec = AppSpec.model_validate(app["spec"])
    around = stage_around(context, namespace)
    secrets, missing = _link_secrets(context, namespace, spec)
    described = _described(context, around, Identity(name, metadata["uid"]), spec, secrets)
    made_from = _made_from(described, around)
    if missing or not cluster.is_settled(app, made_from):
        if not await _put_in_order(context, app, described, missing):
            return Later()
        if not missing:
            cluster.settle(app, made_from)
    deployment = cluster.get(Key(DEPLOYMENT, namespace, name))
    status = _status(described, around, deployment)
    if missing:
        waits = ", ".join(repr(service) for service in missing)
        return Report(
            "reconciling", Reason.WAITING_FOR_SERVICE, f"waits for Service {waits}", status
        )
    return _verdict(context, described, status, deployment)


def children(
    context: Context, around: StagePlace, identity: Identity, spec: AppSpec
) -> Sequence[Object]:
    """The child objects of an App of this spec, whether or not it is there already.

    A link whose Secret isn't there yet stands with a placeholder.
    """
    secrets, missing = _link_secrets(context, around.place.namespace, spec)
    secrets |= {service: LinkSecret(service, "") for service in missing}
    return app_objects(_described(context, around, identity, spec, secrets))


def _described(
    context: Context,
    around: StagePlace,
    identity: Identity,
    spec: AppSpec,
    secrets: Mapping[str, LinkSecret],
) -> AppObjects:
    return AppObjects(
        name=identity.name,
        spec=spec,
        place=around.place,
        owner=Owner(APP, identity.name, identity.uid),
        link_secrets=secrets,
        pod_security=around.spec.pod_security,
        image_pull_secrets=tuple(around.spec.image_pull_secrets or ()),
        ingress_namespace_labels=context.options.ingress_namespace_labels,
    )


def _made_from(app: AppObjects, around: StagePlace) -> str:
    """Tells apart all that the children are made from, beside the App itself."""
    stage = around.stage["metadata"]
    secrets = (f"{link.name}={link.digest}" for _, link in sorted(app.link_secrets.items()))
    return "\n".join((stage["uid"], str(stage.get("generation")), *secrets))


async def _put_in_order(
    context: Context, app: Object, described: AppObjects, missing: list[str]
) -> bool:
    """Write the children that differ; whether that is all there is to do.

    Pods come last: they need their account, and the API server, which makes one Service at a time,
    is slow at that once it is busy with pods. So a new App gets its pods only after the other new
    Apps have got their Services.
    """
    cluster = context.cluster
    wanted = app_objects(described)
    deployments = [obj for obj in wanted if obj["kind"] == DEPLOYMENT.kind]
    others = [obj for obj in wanted if obj["kind"] != DEPLOYMENT.kind]
    is_new = any(cluster.get(key_of(obj)) is None for obj in others)
    runs_nothing = any(cluster.get(key_of(obj)) is None for obj in deployments)
    with context.memory.founding.joined() if is_new else nullcontext():
        await apply_all(cluster, others)
    if is_new and runs_nothing:
        return False
    if runs_nothing:
        await context.memory.founding.over(_PATIENCE)
    # Without their link's Secret new containers could not start; what runs is left alone.
    if not missing:
        await apply_all(cluster, deployments)
    await remove_unwanted(cluster, app, wanted, _KINDS)
    return True


def _link_secrets(
    context: Context, namespace: str, spec: AppSpec
) -> tuple[dict[str, LinkSecret], list[str]]:
    """The Secrets of the linked Services, and the names of those Services that have none yet."""
    found, missing = {}, []
    for service in sorted(spec.links or {}):
        live = context.cluster.get(Key(SERVICE, namespace, service))
        name = (live.get("status") or {}).get("secret") if live else None
        secret = context.cluster.get(Key(SECRET, namespace, name)) if name else None
        digest = (secret.get("data") or {}).get(URL_KEY) if secret else None
        if name is None or digest is None:
            missing.append(service)
        else:
            found[service] = LinkSecret(name, digest)
    return found, missing


def _status(app: AppObjects, around: StagePlace, deployment: Object | None) -> dict[str, Any]:
    running = (deployment.get("status") or {}) if deployment else {}
    spec = app.spec
    release = str(spec.active_release) if spec.active_release is not None else spec.image
    return {
        "replicas": running.get("replicas", 0),
        "readyReplicas": running.get("readyReplicas", 0),
        "selector": pod_selector(app.name),
        "release": release,
        "url": _url(app, around),
    }


def _url(app: AppObjects, around: StagePlace) -> str:
    """Where the App is reached: by its public name once a route exists, so far in its Stage."""
    network = app.spec.network
    scheme = "http" if network.protocol == "http" else "tcp"
    return f"{scheme}://{app.name}.{around.place.namespace}.svc:{network.port}"


def _verdict(
    context: Context, app: AppObjects, status: dict[str, Any], deployment: Object | None
) -> Report:
    if app.spec.running_image is None or deployment is None:
        return Report(
            "ready",
            Reason.NO_RELEASE,
            f"nothing runs: no release is active; create one (--app {app.name} release:create "
            "DIGEST) and activate it, or set spec.image",
            status,
        )
    rollout = judge(deployment, _pods(context, app, deployment))
    match rollout.stand:
        case Stand.FAILED:
            return Report("stalled", rollout.reason, rollout.message, status)
        case Stand.MOVING:
            return Report("reconciling", rollout.reason, rollout.message, status)
        case Stand.DONE:
            return _settled(app, status, rollout.message)


def _pods(context: Context, app: AppObjects, deployment: Object) -> list[Object]:
    """The App's pods; none when the rollout is through, since then nobody asks."""
    if is_complete(deployment):
        return []
    # A Deployment's pods are named after it; others may be, too.
    named = context.cluster.list_with_prefix(POD, app.place.namespace, f"{app.name}-")
    return [pod for pod in named if labels_of(pod).get(LABEL_APP) == app.name]


def _settled(app: AppObjects, status: dict[str, Any], message: str) -> Report:
    if app.spec.resources.scale == 0:
        return Report("ready", Reason.SCALED_TO_ZERO, "scale is 0: no container runs", status)
    later = [
        what
        for what, there in (
            ("a public route", app.spec.network.public),
            ("custom domains", bool(app.spec.domains)),
            ("a schedule", bool(app.spec.schedule)),
        )
        if there
    ]
    if later:
        return Report(
            "ready",
            Reason.ROUTE_PENDING,
            f"{message}; this version doesn't build {' and '.join(later)} yet",
            status,
        )
    return Report("ready", Reason.READY, message, status)
