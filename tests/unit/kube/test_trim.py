"""What the cache keeps of an object."""

from __future__ import annotations

from setops.api.kinds import APP, CONTROLLER_REVISION, DEPLOYMENT, POD, Object
from setops.kube.trim import LAST_APPLIED, trim


def test_a_pod_keeps_what_tells_how_it_does() -> None:
    pod: Object = {
        "metadata": {
            "name": "web-1",
            "namespace": "ns",
            "uid": "u",
            "resourceVersion": "1",
            "annotations": {"a": "b"},
            "managedFields": [{}],
            "labels": {"setops.co/app": "web"},
            "deletionTimestamp": "2026-11-23T13:00:00Z",
        },
        "spec": {"nodeName": "n", "containers": [{"name": "app"}]},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "conditions": [
                {"type": "Ready", "status": "False"},
                {"type": "Initialized", "status": "True"},
            ],
            "containerStatuses": [
                {
                    "name": "app",
                    "image": "x",
                    "ready": False,
                    "restartCount": 4,
                    "state": {
                        "waiting": {"reason": "ImagePullBackOff", "message": "no such image"}
                    },
                }
            ],
        },
    }
    assert trim(POD, pod) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-1",
            "namespace": "ns",
            "uid": "u",
            "resourceVersion": "1",
            "labels": {"setops.co/app": "web"},
            "deletionTimestamp": "2026-11-23T13:00:00Z",
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [
                {
                    "name": "app",
                    "ready": False,
                    "restartCount": 4,
                    "state": {
                        "waiting": {"reason": "ImagePullBackOff", "message": "no such image"}
                    },
                }
            ],
        },
    }


def test_the_last_applied_annotation_stays_on_what_users_write() -> None:
    metadata = {"name": "web", "annotations": {LAST_APPLIED: "{}", "a": "b"}}
    assert trim(APP, {"metadata": metadata})["metadata"]["annotations"] == metadata["annotations"]
    assert trim(DEPLOYMENT, {"metadata": metadata})["metadata"]["annotations"] == {"a": "b"}


def test_revisions_lose_their_data() -> None:
    revision = {"metadata": {"name": "r"}, "revision": 3, "data": {"apps": {}}}
    trimmed = trim(CONTROLLER_REVISION, revision)
    assert trimmed["revision"] == 3
    assert "data" not in trimmed
    assert "data" in revision, "the input is left alone"
