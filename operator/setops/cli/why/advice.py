"""What a user can do about each blocker. Which ones there are is in `blockers`; what keeps a pod
from running, in `api/pod_trouble`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from setops.api.conditions import Reason

_BY_REASON: Final[Mapping[str, str]] = {
    Reason.APP_HAS_NO_ACTIVE_RELEASE: "create a release and activate it: "
    "release:create, release:activate",
    Reason.WAITING_FOR_SERVICE: "wait for the Service, or see what holds it: "
    "setops why service NAME",
    Reason.ROLLOUT_FAILED: "look at the image and the command; go back with: "
    "setops changeset:revert; if it only needs longer to start: changeset:commit --timeout",
    Reason.QUOTA_EXCEEDED: "lower scale, cpu or memory, or have the Stage's quota raised",
    Reason.AWS_REFUSED: "AWS refuses it permanently; the code says why, and the owner of the "
    "AWS account can help",
    Reason.AWS_RESOURCE_TAKEN: "choose another name, or have the resource at AWS removed",
    Reason.CURRENTLY_NOT_SUPPORTED: "this version doesn't support it; undo the change",
    Reason.SERVICE_LINKED: "unlink it first: link:destroy",
    Reason.CHANGESET_INVALID: "correct the commands: setops changeset:info",
    Reason.CHANGESET_LOCKED: "commit or discard your older Changeset first",
    Reason.PAUSED: "remove the annotation setops.co/paused",
}
NO_ROOM: Final = "there is no room in the cluster: wait for a node, or ask for less"


def for_reason(reason: str) -> str:
    """What to do about a condition's reason; empty where the message says it all."""
    return _BY_REASON.get(reason, "")


def for_container(reason: str) -> str:
    """What to do about a container that can't start."""
    if "Image" in reason:
        return "push the image, or activate another release: release:activate"
    return "see what it says when it starts, and its command: setops container"
