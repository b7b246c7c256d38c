"""The steps of a commit: the status shows them, and a commit of an earlier version has none."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.cluster.world import ENDED, Object, World, changeset, manifest

GOOD: Final = "registry.example.com/web:1"
UNKNOWN: Final = "registry.example.com/does-not-exist:1"
HELD: Final = {"metadata": {"finalizers": ["example.com/hold"]}}
FREE: Final = {"metadata": {"finalizers": None}}
GOING: Final = "waits for the App 'web' that is being deleted"


@pytest.fixture
def stage(world: World) -> str:
    """The namespace of a Stage whose App `web` can't go before it is let go of."""
    namespace = world.stage()
    world.commit(namespace, "app:create web", name="begin")
    world.patch("sapp", "web", namespace, HELD)
    return namespace


def status_of(world: World, namespace: str, name: str) -> Object:
    return dict((world.get("scs", name, namespace) or {}).get("status") or {})


def waits_for(world: World, namespace: str, name: str) -> str:
    progress = status_of(world, namespace, name).get("progress") or {}
    return str(progress.get("waitingFor", ""))


def forget_step(world: World, namespace: str, name: str) -> None:
    """Leave the Changeset to the next operator as an earlier version would leave it."""
    world.operator.stop()
    patch: dict[str, Any] = {"status": {"step": None}}
    place = ("-n", namespace, "--subresource=status", "--type=merge")
    world.sandbox.kubectl("patch", "scs", name, *place, "--patch", json.dumps(patch))
    assert "step" not in status_of(world, namespace, name)
    world.operator.start()
    world.operator.wait_ready()


def ended(world: World, namespace: str, name: str) -> Object:
    world.until(lambda: world.phase(namespace, name) in ENDED, f"the end of {name}")
    return status_of(world, namespace, name)


def test_a_commit_without_a_step_goes_on(world: World, stage: str) -> None:
    commands = ("--app web network:set protocol tcp", "app:create worker")
    world.apply(changeset(stage, "turn", *commands))
    world.until(lambda: GOING in waits_for(world, stage, "turn"), "what it waits for")
    assert status_of(world, stage, "turn")["step"] == "Wait"
    forget_step(world, stage, "turn")
    world.patch("sapp", "web", stage, FREE)
    status = ended(world, stage, "turn")
    assert (status["phase"], status["revision"]) == ("Committed", 2)
    assert "step" not in status, "it has ended"
    web = world.get("sapp", "web", stage)
    assert web is not None
    assert web["spec"]["network"]["protocol"] == "tcp"
    world.lock_is_freed(stage)


def test_a_rollback_without_a_step_goes_on(world: World, stage: str) -> None:
    commands = (
        "app:destroy web",
        "app:create also",
        f"--app also release:create {UNKNOWN}",
        "--app also release:activate 1",
    )
    world.apply(changeset(stage, "back", *commands, timeout=1))
    world.until(lambda: status_of(world, stage, "back").get("step") == "Revert", "the rollback")
    world.gone("sapp", "also", stage)
    assert status_of(world, stage, "back")["phase"] == "RollingBack", "web can't be made anew yet"
    forget_step(world, stage, "back")
    world.patch("sapp", "web", stage, FREE)
    status = ended(world, stage, "back")
    assert status["phase"] == "Failed"
    failed = next(item for item in status["conditions"] if item["type"] == "Failed")
    assert "App 'also' did not become ready in time" in failed["message"]
    assert failed["message"].endswith("; all was put back")
    world.wait("sapp", "web", stage)
    world.lock_is_freed(stage)


def test_a_longer_timeout_outlasts_the_deployments_deadline(world: World) -> None:
    """Kubernetes gives up on a rollout after 300 seconds; here it is made to say so at once."""
    namespace = world.stage()
    world.apply(manifest("App", "patient", {"image": GOOD}, namespace))
    world.wait("sapp", "patient", namespace)
    template = _deployment(world, namespace)["spec"]["template"]
    for name, timeout in (("long", 600), ("default", None)):
        limit = {"timeout": timeout} if timeout else {}
        definition = {"apps": {"patient": {"image": UNKNOWN}}}
        world.apply(changeset(namespace, name, definition=definition, **limit))
        world.says("sapp", "patient", namespace, "Reconciling", "RollingOut")
        world.until(
            lambda: _deployment(world, namespace)["spec"]["template"] != template, "a rollout"
        )
        _give_up(world, namespace)
        if not timeout:
            break
        world.until(
            lambda: "no progress in time" in waits_for(world, namespace, "long"),
            "a commit that knows and waits all the same",
        )
        world.says("sapp", "patient", namespace, "Reconciling", "RollingOut")
        assert world.phase(namespace, "long") == "Applying"
        assert _deployment(world, namespace)["spec"]["progressDeadlineSeconds"] == 300
        world.patch("scs", "long", namespace, {"spec": {"discard": True}})
        assert ended(world, namespace, "long")["phase"] == "Failed"
        world.wait("sapp", "patient", namespace)
        assert _deployment(world, namespace)["spec"]["template"] == template
    status = ended(world, namespace, "default")
    failed = next(item for item in status["conditions"] if item["type"] == "Failed")
    assert "App 'patient': no progress in time" in failed["message"]


def _deployment(world: World, namespace: str) -> Object:
    found = world.get("deployment", "patient", namespace)
    assert found is not None
    return found


def _give_up(world: World, namespace: str) -> None:
    """Have the Deployment say what it says when its deadline has passed."""
    said = [
        {**item, "status": "False", "reason": "ProgressDeadlineExceeded"}
        for item in _deployment(world, namespace)["status"]["conditions"]
        if item["type"] == "Progressing"
    ]
    patch = json.dumps({"status": {"conditions": said}})
    place = ("-n", namespace, "--subresource=status", "--type=merge")
    world.sandbox.kubectl("patch", "deployment", "patient", *place, "--patch", patch)
