"""The containers of an App in the platform's terms, from the App's pods. Pure.

Source of the terms: the platform's App settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from setops.api.kinds import Object
from setops.api.pod_trouble import unscheduled
from setops.cli.base.view import age


@dataclass(frozen=True, slots=True)
class AppContainer:
    """One container of an App."""

    id: str
    release: str
    status: str
    health: str
    started: str
    stopped: str
    message: str
    name: str


HEADER = ("ID", "Release", "Status", "Health", "Started at", "Stopped at")


def containers(app: Object, pods: Sequence[Object]) -> Sequence[AppContainer]:
    """The containers of an App, the newest last."""
    ordered = sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    return [_container(app, pod) for pod in ordered]


def rows(found: Sequence[AppContainer]) -> Sequence[Sequence[object]]:
    """The rows of a table of containers."""
    return [
        (each.id, each.release, each.status, each.health, each.started, each.stopped)
        for each in found
    ]


def messages(found: Sequence[AppContainer]) -> Sequence[str]:
    """One line for each container that can't run, with the reason."""
    return [f"{each.id}: {each.message}" for each in found if each.message]


def summary(app: Object, found: Sequence[AppContainer]) -> str:
    """`ACTIVE 2 / 3 running tasks (1 pending)`."""
    spec = app["spec"]
    wanted = int(spec["resources"]["scale"])
    running = sum(each.status == "RUNNING" for each in found)
    pending = sum(each.status in ("PROVISIONING", "PENDING", "ACTIVATING") for each in found)
    if not (spec.get("image") or spec.get("activeRelease")):
        word = "INACTIVE"
    else:
        word = "ACTIVE" if wanted else "STOPPED"
    more = f" ({pending} pending)" if pending else ""
    return f"{word} {running} / {wanted} running tasks{more}"


def _container(app: Object, pod: Object) -> AppContainer:
    status = pod.get("status") or {}
    container: dict[str, Any] = next(iter(status.get("containerStatuses") or ()), {})
    state = container.get("state") or {}
    ended = (state.get("terminated") or {}).get("finishedAt")
    image = str(pod["spec"]["containers"][0]["image"])
    waiting, homeless = state.get("waiting") or {}, unscheduled(pod)
    return AppContainer(
        id=str(pod["metadata"]["name"]).rpartition("-")[2],
        release=_release(app, image),
        status=_status(pod, container),
        health=_health(pod, container),
        started=age(status.get("startTime")),
        stopped=age(ended),
        message=str(waiting.get("reason") or (homeless.message if homeless else "")),
        name=str(pod["metadata"]["name"]),
    )


def _status(pod: Object, container: dict[str, Any]) -> str:
    phase = (pod.get("status") or {}).get("phase", "Pending")
    if phase in ("Succeeded", "Failed"):
        return "STOPPED"
    if "deletionTimestamp" in pod["metadata"]:
        return "STOPPING" if container.get("ready") is False else "DEACTIVATING"
    if phase == "Pending":
        return "PENDING" if pod["spec"].get("nodeName") else "PROVISIONING"
    return "RUNNING" if container.get("ready") else "ACTIVATING"


def _health(pod: Object, container: dict[str, Any]) -> str:
    spec: dict[str, Any] = next(iter(pod["spec"]["containers"]), {})
    probed = any(spec.get(f"{kind}Probe") for kind in ("liveness", "readiness", "startup"))
    if not probed or "running" not in (container.get("state") or {}):
        return "UNKNOWN"
    return "HEALTHY" if container.get("ready") else "UNHEALTHY"


def _release(app: Object, image: str) -> str:
    for number, release in (app["spec"].get("releases") or {}).items():
        if release["image"] == image:
            return str(number)
    return image.rpartition("/")[2]
