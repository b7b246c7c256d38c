"""What keeps a pod from running, from its status."""

from __future__ import annotations

from typing import Any

import pytest

from setops.api.kinds import Object
from setops.api.pod_trouble import PodTrouble, failing_containers, unscheduled

SINCE = "2026-01-01T00:00:00Z"


def pod(**status: Any) -> Object:
    return {"metadata": {"name": "web-a"}, "status": {"startTime": SINCE, **status}}


def waiting(reason: str, **more: Any) -> Object:
    return {"name": "app", "state": {"waiting": {"reason": reason, **more}}}


@pytest.mark.parametrize("reason", ["", "ContainerCreating", "PodInitializing"])
def test_a_container_that_starts_is_in_no_trouble(reason: str) -> None:
    assert list(failing_containers(pod(containerStatuses=[waiting(reason)]))) == []


@pytest.mark.parametrize(
    ("container", "message", "text"),
    [
        (waiting("ErrImagePull", message="not found"), "not found", "ErrImagePull: not found"),
        (waiting("PostStartHookError"), "", "PostStartHookError"),
        (
            {**waiting("CrashLoopBackOff"), "lastState": {"terminated": {"exitCode": 137}}},
            "it ended with exit code 137",
            "CrashLoopBackOff: it ended with exit code 137",
        ),
    ],
    ids=["with a message", "of a rare reason", "that has ended"],
)
def test_a_container_that_waits_for_anything_else_is_failing(
    container: Object, message: str, text: str
) -> None:
    (trouble,) = failing_containers(pod(containerStatuses=[{"state": {"running": {}}}, container]))
    reason = container["state"]["waiting"]["reason"]
    assert trouble == PodTrouble("web-a", reason, message, SINCE)
    assert trouble.text == text


def test_a_pod_without_a_node_says_why() -> None:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/3 nodes fit",
        "lastTransitionTime": SINCE,
    }
    found = unscheduled(pod(conditions=[condition]))
    assert found == PodTrouble("web-a", "Unschedulable", "0/3 nodes fit", SINCE)
    assert unscheduled(pod(conditions=[{**condition, "status": "True"}])) is None
    assert unscheduled({"metadata": {"name": "web-a"}}) is None
