"""How far a Deployment's rollout is, judged by the Deployment and its pods. Pure.

What makes containers restart is decided in `desired/pod`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from setops.api.conditions import Reason
from setops.api.kinds import Object
from setops.api.pod_trouble import failing_containers, unscheduled


class RolloutStatus(Enum):
    """How far a rollout is."""

    COMPLETE = "complete"
    PROGRESSING = "progressing"
    TIMED_OUT = "without progress until the Deployment's deadline"
    FAILED = "failed: waiting can't help"


@dataclass(frozen=True, slots=True)
class Rollout:
    """The status of a rollout, with the reason and the message for the user."""

    status: RolloutStatus
    reason: Reason
    message: str


# Waiting can't help here. Every other trouble of a pod may pass (an image that is pushed a moment
# later, a dependency that starts), so it has time until the progress deadline.
_HOPELESS: Final = frozenset({"InvalidImageName"})

_QUOTA: Final = "exceeded quota"


def rollout_status(deployment: Object, pods: Sequence[Object]) -> Rollout:
    """How far the rollout of a Deployment's newest template is.

    `pods` are those of the App, trimmed; the trouble of old ones says nothing about new ones.
    Before the progress deadline, a rollout counts as failed only if the cause is certain to belong
    to this template and this scale.
    """
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    if is_complete(deployment):
        return Rollout(RolloutStatus.COMPLETE, Reason.READY, f"{wanted} of {wanted} containers run")
    # Kubernetes keeps the conditions of a failed rollout while it stops surplus containers.
    if wanted == 0 or status.get("updatedReplicas", 0) > wanted:
        left = status.get("replicas", 0)
        message = f"scale is {wanted}; {left} containers are there"
        return Rollout(RolloutStatus.PROGRESSING, Reason.ROLLING_OUT, message)
    ready = f"{status.get('readyReplicas', 0)} of {wanted} containers run"
    if not _is_seen(deployment):
        return Rollout(RolloutStatus.PROGRESSING, Reason.ROLLING_OUT, ready)
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    newest = _newest(deployment, conditions)
    found = trouble([pod for pod in pods if newest in ("", _template_of(pod))])
    if found is not None and found[0] in _HOPELESS:
        return Rollout(RolloutStatus.FAILED, Reason.ROLLOUT_FAILED, found[1])
    failure = conditions.get("ReplicaFailure", {})
    refused = failure.get("message", "") if failure.get("status") == "True" else ""
    if _QUOTA in refused and f'"{deployment["metadata"]["name"]}-{newest}' in refused:
        return Rollout(RolloutStatus.FAILED, Reason.QUOTA_EXCEEDED, _over_quota(ready, refused))
    detail = found[1] if found else refused
    message = f"{ready}; {detail}" if detail else ready
    if conditions.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded":
        return Rollout(
            RolloutStatus.TIMED_OUT, Reason.ROLLOUT_FAILED, f"no progress in time: {message}"
        )
    if not detail and status.get("readyReplicas", 0) >= wanted:
        message += ", new ones are starting"
    return Rollout(RolloutStatus.PROGRESSING, Reason.ROLLING_OUT, message)


def is_complete(deployment: Object) -> bool:
    """Whether all containers are of the newest template, run, and no others are left."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    counts = ("updatedReplicas", "replicas", "availableReplicas")
    return _is_seen(deployment) and all(status.get(count, 0) == wanted for count in counts)


def _is_seen(deployment: Object) -> bool:
    observed = (deployment.get("status") or {}).get("observedGeneration", 0)
    return bool(observed >= deployment["metadata"].get("generation", 1))


def _newest(deployment: Object, conditions: Mapping[str, Object]) -> str:
    """The hash of the newest template as the Deployment's conditions name it, or nothing.

    Kubernetes leaves it behind by one template in a rollout that has not made a single pod yet.
    """
    said = conditions.get("Progressing", {}).get("message", "")
    name = re.escape(deployment["metadata"]["name"])
    found = re.search(rf'"{name}-([a-z0-9]+)"', said)
    return found[1] if found else ""


def _template_of(pod: Object) -> str:
    return str((pod["metadata"].get("labels") or {}).get("pod-template-hash", ""))


def _over_quota(ready: str, refused: str) -> str:
    _, _, amounts = refused.partition(f"{_QUOTA}: ")
    return (
        f"{ready}; the Stage's quota allows no further container ({amounts}): raise spec.quota of "
        "the Stage, or lower the App's resources"
    )


def trouble(pods: Sequence[Object]) -> tuple[str, str] | None:
    """The first trouble of a pod as (reason, message for the user)."""
    for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["name"])):
        for failing in failing_containers(pod):
            return failing.reason, f"pod {failing.pod}: {failing.text}"
        waiting = unscheduled(pod)
        if waiting is not None:
            return "Unschedulable", f"pod {waiting.pod}: {waiting.message}"
    return None
