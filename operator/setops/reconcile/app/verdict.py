"""What an App's status says about its rollout, which `reconcile/rollout` judges."""

from __future__ import annotations

from typing import Any, Final

from setops.api.changeset import Phase, phase_of
from setops.api.conditions import Reason
from setops.api.kinds import APP, POD, Object
from setops.desired.app import AppObjects, selector_text
from setops.reconcile import lock
from setops.reconcile.context import Context
from setops.reconcile.report import Report
from setops.reconcile.rollout import RolloutStatus, is_complete, rollout_status
from setops.reconcile.stage_around import StageAround, labels_of

_LOOK: Final = 10.0
"""Seconds between two looks while a commit's limit replaces the Deployment's deadline."""


def status_of(app: AppObjects, deployment: Object | None) -> dict[str, Any]:
    """The fields of the App's status."""
    running = (deployment.get("status") or {}) if deployment else {}
    spec = app.spec
    release = str(spec.active_release) if spec.active_release is not None else spec.image
    return {
        "replicas": running.get("replicas", 0),
        "readyReplicas": running.get("readyReplicas", 0),
        "selector": selector_text(app.pod_selector()),
        "release": release,
        "url": _url(app),
    }


def verdict(
    context: Context, around: StageAround, app: AppObjects, deployment: Object | None
) -> Report:
    """The report on an App, from its Deployment and the Deployment's pods."""
    status = status_of(app, deployment)
    if app.spec.running_image is None or deployment is None:
        return Report(
            "ready",
            Reason.APP_HAS_NO_ACTIVE_RELEASE,
            f"nothing runs: no release is active; create one (--app {app.name} release:create "
            "DIGEST) and activate it, or set spec.image",
            status,
        )
    rollout = rollout_status(deployment, _pods(context, app, deployment))
    match rollout.status:
        case RolloutStatus.TIMED_OUT if _has_limit_of_its_own(context, around, app.name):
            message = f"still waiting, as the Changeset's timeout allows: {rollout.message}"
            return Report("reconciling", Reason.ROLLING_OUT, message, status, _LOOK)
        case RolloutStatus.TIMED_OUT | RolloutStatus.FAILED:
            return Report("stalled", rollout.reason, rollout.message, status)
        case RolloutStatus.PROGRESSING:
            return Report("reconciling", rollout.reason, rollout.message, status)
        case RolloutStatus.COMPLETE:
            return _complete(app, status, rollout.message)


def _has_limit_of_its_own(context: Context, around: StageAround, app: str) -> bool:
    """Whether a running commit changes the App and sets `spec.timeout`.

    That limit then counts instead of the Deployment's progress deadline. The deadline itself isn't
    changed: Kubernetes only reports it and continues the rollout, so there is nothing to write, and
    nothing to put back after the commit.
    """
    changeset = lock.holder(context.cluster, around.stage, around.names.namespace)
    if changeset is None or phase_of(changeset) is not Phase.APPLYING:
        return False
    changes = changeset["status"]["plan"].get("changes") or ()
    return "timeout" in changeset["spec"] and any(
        change["kind"] == APP.kind and change["name"] == app for change in changes
    )


def _url(app: AppObjects) -> str:
    """Where the App is reached: by its public name once a route exists, so far in its Stage."""
    network = app.spec.network
    scheme = "http" if network.protocol == "http" else "tcp"
    return f"{scheme}://{app.name}.{app.stage.namespace}.svc:{network.port}"


def _pods(context: Context, app: AppObjects, deployment: Object) -> list[Object]:
    """The App's pods; none if the rollout is complete, since they aren't needed then."""
    if is_complete(deployment):
        return []
    # A Deployment's pods are named after it; others may be, too.
    named = context.cluster.list_with_prefix(POD, app.stage.namespace, f"{app.name}-")
    wanted = app.pod_selector().items()
    return [pod for pod in named if wanted <= labels_of(pod).items()]


def _complete(app: AppObjects, status: dict[str, Any], message: str) -> Report:
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
            Reason.ROUTE_NOT_SUPPORTED,
            f"{message}; this version doesn't build {' and '.join(later)} yet",
            status,
        )
    return Report("ready", Reason.READY, message, status)
