"""How far a Deployment's rollout is. Pure: from the Deployment and its pods to one verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from setops.api.conditions import Reason
from setops.api.kinds import Object


class Stand(Enum):
    """Where a rollout stands."""

    DONE = "done"
    MOVING = "moving"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Rollout:
    """A verdict with its reason, and the message for the user."""

    stand: Stand
    reason: Reason
    message: str


# What no waiting changes; all other troubles of a pod may pass (an image that is pushed a moment
# later, a dependency that starts), so they get until the progress deadline.
_HOPELESS: Final = frozenset({"InvalidImageName"})
_TROUBLES: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        *_HOPELESS,
    }
)


def judge(deployment: Object, pods: Sequence[Object]) -> Rollout:
    """The stand of the rollout of a Deployment's newest template.

    `pods` are those of the App, trimmed; old ones that are still ready do no harm.
    """
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    if is_complete(deployment):
        return Rollout(Stand.DONE, Reason.READY, f"{wanted} of {wanted} containers run")
    trouble = _trouble(pods)
    if trouble is not None and trouble[0] in _HOPELESS:
        return Rollout(Stand.FAILED, Reason.ROLLOUT_FAILED, trouble[1])
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    failure = conditions.get("ReplicaFailure", {})
    if failure.get("status") == "True" and "exceeded quota" in failure.get("message", ""):
        return Rollout(Stand.FAILED, Reason.QUOTA_EXCEEDED, failure["message"])
    ready = status.get("readyReplicas", 0)
    detail = trouble[1] if trouble else failure.get("message", "")
    message = f"{ready} of {wanted} containers run" + (f"; {detail}" if detail else "")
    progressing = conditions.get("Progressing", {})
    if _is_seen(deployment) and progressing.get("reason") == "ProgressDeadlineExceeded":
        return Rollout(Stand.FAILED, Reason.ROLLOUT_FAILED, f"no progress in time: {message}")
    return Rollout(Stand.MOVING, Reason.ROLLING_OUT, message)


def is_complete(deployment: Object) -> bool:
    """Whether all containers are of the newest template, run, and no others are left."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    counts = ("updatedReplicas", "replicas", "availableReplicas")
    return _is_seen(deployment) and all(status.get(count, 0) == wanted for count in counts)


def _is_seen(deployment: Object) -> bool:
    observed = (deployment.get("status") or {}).get("observedGeneration", 0)
    return bool(observed >= deployment["metadata"].get("generation", 1))


def _trouble(pods: Sequence[Object]) -> tuple[str, str] | None:
    """The first trouble of a container as (reason, message for the user)."""
    for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["name"])):
        status = pod.get("status") or {}
        for container in status.get("containerStatuses") or ():
            waiting = (container.get("state") or {}).get("waiting") or {}
            reason = waiting.get("reason", "")
            if reason in _TROUBLES:
                said = f": {waiting['message']}" if waiting.get("message") else ""
                return reason, f"pod {pod['metadata']['name']}: {reason}{said}"
        for item in status.get("conditions") or ():
            if item["type"] == "PodScheduled" and item["status"] == "False":
                return "Unschedulable", f"pod {pod['metadata']['name']}: {item.get('message', '')}"
    return None
