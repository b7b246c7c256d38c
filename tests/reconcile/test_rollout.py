"""How far a rollout is, from what the Deployment and its pods say."""

from __future__ import annotations

from typing import Any, Final

import pytest

from setops.api.conditions import Reason
from setops.api.kinds import Object
from setops.reconcile.rollout import RolloutStatus, is_complete, rollout_status

NEWEST: Final = "6b8f"
OLD: Final = "59d4"
MOVING: Final = {
    "type": "Progressing",
    "status": "True",
    "reason": "ReplicaSetUpdated",
    "message": f'ReplicaSet "web-{NEWEST}" is progressing.',
}
TIMED_OUT: Final = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": f'ReplicaSet "web-{NEWEST}" has timed out progressing.',
}
AMOUNTS: Final = "requested: limits.memory=512Mi, used: limits.memory=1Gi, limited: 1Gi"


def refused(template: str, why: str) -> Object:
    """The condition of a Deployment for which a pod is refused."""
    message = f'pods "web-{template}-x7x2q" is forbidden: {why}'
    return {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": message,
    }


def deployment(wanted: int, counts: str, *conditions: Object, seen: bool = True) -> Object:
    """A Deployment; `counts` are its pods of the newest template, all, and the available ones."""
    updated, total, available = (int(count) for count in counts.split("/"))
    return {
        "metadata": {"name": "web", "generation": 2},
        "spec": {"replicas": wanted},
        "status": {
            "observedGeneration": 2 if seen else 1,
            "updatedReplicas": updated,
            "replicas": total,
            "availableReplicas": available,
            "readyReplicas": available,
            "conditions": list(conditions),
        },
    }


def pod(reason: str = "", template: str = NEWEST, *, name: str = "web-a", message: str = "") -> Any:
    """A pod as the cache keeps it, whose container waits for a reason."""
    waiting = {"waiting": {"reason": reason, "message": message}} if reason else {"running": {}}
    return {
        "metadata": {"name": name, "labels": {"pod-template-hash": template}},
        "status": {"containerStatuses": [{"name": "app", "state": waiting}]},
    }


QUOTA = refused(NEWEST, f"exceeded quota: stage, {AMOUNTS}")
UNSCHEDULABLE: Final = {
    "metadata": {"name": "web-a", "labels": {"pod-template-hash": NEWEST}},
    "status": {
        "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes fit"}]
    },
}

DONE: Final = RolloutStatus.COMPLETE
GOING: Final = RolloutStatus.PROGRESSING
LATE: Final = RolloutStatus.TIMED_OUT
FAILED: Final = RolloutStatus.FAILED

CASES: Final[list[tuple[str, Object, list[Object], RolloutStatus, Reason, str]]] = [
    ("all run", deployment(2, "2/2/2"), [], DONE, Reason.READY, "2 of 2 containers run"),
    ("scale 0 and nothing left", deployment(0, "0/0/0"), [], DONE, Reason.READY, "0 of 0"),
    ("nothing seen of it yet", {"metadata": {"name": "web", "generation": 1},
     "spec": {"replicas": 2}}, [], GOING, Reason.ROLLING_OUT, "0 of 2 containers run"),
    ("containers are starting", deployment(2, "2/2/1", MOVING), [pod("ContainerCreating")],
     GOING, Reason.ROLLING_OUT, "1 of 2 containers run"),
    ("what is counted is of an older spec", deployment(2, "2/2/2", seen=False), [],
     GOING, Reason.ROLLING_OUT, "2 of 2 containers run"),
    ("old containers are still there", deployment(2, "2/3/2", MOVING), [], GOING,
     Reason.ROLLING_OUT, "2 of 2"),
    ("the image may be pushed a moment later", deployment(1, "1/1/0", MOVING),
     [pod("ImagePullBackOff", message="not found")], GOING, Reason.ROLLING_OUT,
     "0 of 1 containers run; pod web-a: ImagePullBackOff: not found"),
    ("a dependency may come up", deployment(1, "1/1/0", MOVING), [pod("CrashLoopBackOff")],
     GOING, Reason.ROLLING_OUT, "0 of 1 containers run; pod web-a: CrashLoopBackOff"),
    ("a node may come up", deployment(1, "1/1/0", MOVING), [UNSCHEDULABLE], GOING,
     Reason.ROLLING_OUT, "pod web-a: 0/3 nodes fit"),
    ("no waiting makes the image's name valid", deployment(1, "1/1/0", MOVING),
     [pod("InvalidImageName", message="couldn't parse")], FAILED, Reason.ROLLOUT_FAILED,
     "pod web-a: InvalidImageName: couldn't parse"),
    ("the invalid name was the old template's", deployment(1, "1/2/0", MOVING),
     [pod("InvalidImageName", OLD), pod(name="web-b")], GOING, Reason.ROLLING_OUT,
     "0 of 1 containers run"),
    ("the invalid name is corrected, and Kubernetes hasn't seen it yet",
     deployment(1, "1/1/0", MOVING, seen=False), [pod("InvalidImageName")], GOING,
     Reason.ROLLING_OUT, "0 of 1"),
    ("the quota allows no further container", deployment(3, "2/2/2", MOVING, QUOTA), [],
     FAILED, Reason.QUOTA_EXCEEDED,
     f"2 of 3 containers run; the Stage's quota allows no further container (stage, {AMOUNTS}): "
     "raise spec.quota of the Stage, or lower the App's resources"),
    ("the quota that Kubernetes was last refused for no longer counts",
     deployment(2, "2/2/2", MOVING, QUOTA, seen=False), [], GOING, Reason.ROLLING_OUT, ""),
    ("fewer are wanted now: there is room", deployment(1, "2/2/2", MOVING, QUOTA), [],
     GOING, Reason.ROLLING_OUT, "scale is 1; 2 containers are there"),
    ("the quota refused the old template, and the new one asks for less",
     deployment(3, "0/2/2", MOVING, refused(OLD, f"exceeded quota: stage, {AMOUNTS}")), [],
     GOING, Reason.ROLLING_OUT, "2 of 3 containers run; pods"),
    ("a refusal that was lifted", deployment(2, "1/1/1", MOVING, {**QUOTA, "status": "False"}),
     [], GOING, Reason.ROLLING_OUT, "1 of 2 containers run"),
    ("another refusal may pass", deployment(1, "0/0/0", MOVING, refused(NEWEST, "no account")),
     [], GOING, Reason.ROLLING_OUT, "is forbidden: no account"),
    ("the deadline has passed", deployment(2, "1/3/2", TIMED_OUT), [pod("CrashLoopBackOff")],
     LATE, Reason.ROLLOUT_FAILED,
     "no progress in time: 2 of 2 containers run; pod web-a: CrashLoopBackOff"),
    ("the deadline that passed was an older spec's", deployment(2, "1/3/2", TIMED_OUT, seen=False),
     [], GOING, Reason.ROLLING_OUT, "2 of 2"),
    ("stopping a broken App is no failure", deployment(0, "1/3/2", TIMED_OUT), [], GOING,
     Reason.ROLLING_OUT, "scale is 0; 3 containers are there"),
    ("nor is stopping one of which only old containers are left", deployment(0, "0/1/1", TIMED_OUT),
     [], GOING, Reason.ROLLING_OUT, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("live", "pods", "status", "reason", "message"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_rollout_status(
    live: Object, pods: list[Object], status: RolloutStatus, reason: Reason, message: str
) -> None:
    verdict = rollout_status(live, pods)
    assert (verdict.status, verdict.reason) == (status, reason)
    assert message in verdict.message
    assert is_complete(live) is (status is RolloutStatus.COMPLETE)


def test_the_first_trouble_by_name_is_told_whatever_the_order() -> None:
    live = deployment(2, "2/2/0", MOVING)
    pods = [pod("CrashLoopBackOff", name="web-b"), pod("ErrImagePull", name="web-a")]
    assert rollout_status(live, pods) == rollout_status(live, pods[::-1])
    assert "web-a: ErrImagePull" in rollout_status(live, pods).message


def test_while_nothing_names_the_newest_template_every_pod_counts() -> None:
    live = deployment(1, "1/1/0")
    assert rollout_status(live, [pod("InvalidImageName", OLD)]).status is RolloutStatus.FAILED


@pytest.mark.parametrize(
    "message",
    [
        'ReplicaSet "web-6b8f" is progressing.',
        'Created new replica set "web-6b8f"',
        'Found new replica set "web-6b8f"',
        'ReplicaSet "web-6b8f" has timed out progressing.',
    ],
)
def test_the_newest_template_is_read_from_what_kubernetes_says(message: str) -> None:
    live = deployment(1, "1/1/0", {**MOVING, "message": message})
    assert rollout_status(live, [pod("InvalidImageName", OLD)]).status is RolloutStatus.PROGRESSING
    assert rollout_status(live, [pod("InvalidImageName", NEWEST)]).status is RolloutStatus.FAILED
