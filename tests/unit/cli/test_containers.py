"""Containers in the platform's words, from the pods that run them."""

from __future__ import annotations

from typing import Any

import pytest

from setops.cli.app.containers import HEADER, containers, messages, rows, summary
from setops.cli.base import terminal

IMAGE = "registry.example.com/web:2"
APP = {
    "metadata": {"name": "web"},
    "spec": {
        "resources": {"scale": 3},
        "activeRelease": 2,
        "releases": {"1": {"image": "registry.example.com/web:1"}, "2": {"image": IMAGE}},
    },
}


def pod(status: dict[str, Any], *, node: bool = True, going: bool = False, probed: bool = True,
        image: str = IMAGE) -> dict[str, Any]:  # fmt: skip
    return {
        "metadata": {
            "name": "web-7c9f-abcde",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            **({"deletionTimestamp": "2026-01-01T01:00:00Z"} if going else {}),
        },
        "spec": {
            **({"nodeName": "one"} if node else {}),
            "containers": [{"image": image, **({"livenessProbe": {"exec": {}}} if probed else {})}],
        },
        "status": status,
    }


def container(state: str, *, ready: bool = False) -> dict[str, Any]:
    phase = "Running" if state == "running" else "Pending"
    return {"phase": phase, "containerStatuses": [{"ready": ready, "state": {state: {}}}]}


@pytest.mark.parametrize(
    ("made", "status", "health"),
    [
        (pod({"phase": "Pending"}, node=False), "PROVISIONING", "UNKNOWN"),
        (pod(container("waiting")), "PENDING", "UNKNOWN"),
        (pod(container("running")), "ACTIVATING", "UNHEALTHY"),
        (pod(container("running", ready=True)), "RUNNING", "HEALTHY"),
        (pod(container("running", ready=True), probed=False), "RUNNING", "UNKNOWN"),
        (pod(container("running", ready=True), going=True), "DEACTIVATING", "HEALTHY"),
        (pod(container("terminated"), going=True), "STOPPING", "UNKNOWN"),
        (pod({"phase": "Failed"}), "STOPPED", "UNKNOWN"),
    ],
)
def test_a_container_has_the_platforms_status(
    made: dict[str, Any], status: str, health: str
) -> None:
    (found,) = containers(APP, [made])
    assert (found.status, found.health, found.id, found.release) == (status, health, "abcde", "2")


def test_a_container_of_an_older_release_is_known_by_its_image() -> None:
    (found,) = containers(APP, [pod({}, image="registry.example.com/web:1")])
    assert found.release == "1"
    (found,) = containers(APP, [pod({}, image="registry.example.com/old:9")])
    assert found.release == "old:9"


def test_the_summary_counts() -> None:
    running = pod(container("running", ready=True))
    found = containers(APP, [running, running, pod({"phase": "Pending"})])
    assert summary(APP, found) == "ACTIVE 2 / 3 running tasks (1 pending)"
    assert summary({"spec": {"resources": {"scale": 1}}}, []) == "INACTIVE 0 / 1 running tasks"
    none = {"spec": {**APP["spec"], "resources": {"scale": 0}}}  # type: ignore[dict-item]
    assert summary(none, []) == "STOPPED 0 / 0 running tasks"


def test_what_is_in_the_way_stands_below_so_that_times_are_whole_at_80_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminal, "columns", lambda: 80)
    said = {"ready": False, "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    status = {"startTime": "2026-01-01T00:00:00Z", "containerStatuses": [said]}
    found = containers(APP, [pod(status)])
    assert "…" not in terminal.table(HEADER, rows(found))
    assert messages(found) == ["abcde: ImagePullBackOff"]
