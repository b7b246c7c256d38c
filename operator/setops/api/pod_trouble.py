"""What keeps a pod from running, from its status. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from setops.api.kinds import Object

_STARTING: Final = frozenset({"", "ContainerCreating", "PodInitializing"})
"""Reasons for which every container waits for a moment."""


@dataclass(frozen=True, slots=True)
class PodTrouble:
    """One thing that is in a pod's way. `since` is RFC 3339, or empty."""

    pod: str
    reason: str
    message: str
    since: str

    @property
    def text(self) -> str:
        """Reason and message: `ImagePullBackOff: not found`."""
        return f"{self.reason}: {self.message}" if self.message else self.reason


def unscheduled(pod: Object) -> PodTrouble | None:
    """Why no node takes the pod; None when one has."""
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return PodTrouble(
                pod["metadata"]["name"],
                str(condition.get("reason", "")),
                str(condition.get("message", "")),
                str(condition.get("lastTransitionTime", "")),
            )
    return None


def failing_containers(pod: Object) -> Iterator[PodTrouble]:
    """The containers that can't start, or ended and wait to be started again."""
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = str(waiting.get("reason", ""))
        if reason not in _STARTING:
            yield PodTrouble(
                pod["metadata"]["name"],
                reason,
                str(waiting.get("message") or _last_end(container)),
                str(status.get("startTime", "")),
            )


def _last_end(container: Object) -> str:
    ended = (container.get("lastState") or {}).get("terminated") or {}
    return f"it ended with exit code {ended['exitCode']}" if "exitCode" in ended else ""
