"""How an App that can't start is told of, and how a commit with such an App ends."""

from __future__ import annotations

import pytest

from tests.cluster.world import World, manifest

GOOD = "registry.example.com/web:1"
UNKNOWN = "registry.example.com/does-not-exist:1"


@pytest.fixture(scope="module")
def namespace(world: World) -> str:
    """A Stage for all tests of this module."""
    return world.stage()


def test_image_that_cannot_be_pulled_is_waited_for(world: World, namespace: str) -> None:
    """It may be pushed a moment later, so this is no Stalled."""
    world.apply(manifest("App", "unpulled", {"image": UNKNOWN}, namespace))
    world.says("sapp", "unpulled", namespace, "Reconciling", "RollingOut")
    world.until(
        lambda: any(
            "ImagePullBackOff" in item["message"]
            for item in world.conditions("sapp", "unpulled", namespace)
        ),
        "the pod's own reason",
    )
    world.apply(manifest("App", "unpulled", {"image": GOOD}, namespace))
    world.wait("sapp", "unpulled", namespace)


def test_image_name_that_nothing_can_mend_is_stalled(world: World, namespace: str) -> None:
    """Waiting doesn't help, so the App says at once that somebody has to act."""
    world.apply(manifest("App", "unnamed", {"image": GOOD}, namespace))
    world.wait("sapp", "unnamed", namespace)
    # What a registry's client thinks of a name the schema doesn't know; kwok is told to fail.
    failing = {"setops.co/sandbox-fail": "InvalidImageName"}
    template = {"spec": {"template": {"metadata": {"annotations": failing}}}}
    world.patch("deployment", "unnamed", namespace, template)
    said = world.says("sapp", "unnamed", namespace, "Stalled", "RolloutFailed")
    assert "InvalidImageName" in said
    running = world.get("deployment", "unnamed", namespace)
    assert running is not None
    assert running["status"]["readyReplicas"] == 1, "what ran before runs on"
    healed = {"spec": {"template": {"metadata": {"annotations": {next(iter(failing)): None}}}}}
    world.patch("deployment", "unnamed", namespace, healed)
    world.wait("sapp", "unnamed", namespace)


def test_commit_that_does_not_become_ready_is_put_back(world: World, namespace: str) -> None:
    world.commit(
        namespace,
        "app:create web",
        f"--app web release:create {GOOD}",
        "--app web release:activate 1",
    )
    before = world.get("sapp", "web", namespace)
    assert before is not None
    ended = world.commit(
        namespace,
        f"--app web release:create {UNKNOWN}",
        "--app web release:activate 2",
        "--app web env:set COLOUR=blue",
        "app:create extra",
        timeout=3,
    )
    status = ended["status"]
    assert status["phase"] == "Failed"
    failed = next(item for item in status["conditions"] if item["type"] == "Failed")
    assert "App 'web' did not become ready in time" in failed["message"]
    assert "ImagePullBackOff" in failed["message"], "the pod's reason is part of the message"
    assert failed["message"].endswith("; all was put back")
    after = world.wait("sapp", "web", namespace)
    assert after["spec"] == before["spec"]
    world.gone("sapp", "extra", namespace)
    world.lock_is_freed(namespace)


def test_scale_of_zero_is_ready_and_says_so(world: World, namespace: str) -> None:
    world.apply(manifest("App", "asleep", {"image": GOOD, "resources": {"scale": 0}}, namespace))
    said = world.says("sapp", "asleep", namespace, "Ready", "ScaledToZero")
    assert said == "scale is 0: no container runs"


def test_app_without_release_is_ready_and_says_what_to_do(world: World, namespace: str) -> None:
    world.apply(manifest("App", "empty", {}, namespace))
    said = world.says("sapp", "empty", namespace, "Ready", "AppHasNoActiveRelease")
    assert "release:create" in said
    assert world.get("deployment", "empty", namespace) is None


def test_kubectl_scale_reaches_the_containers(world: World, namespace: str) -> None:
    world.apply(manifest("App", "scaled", {"image": GOOD}, namespace))
    world.wait("sapp", "scaled", namespace)
    world.sandbox.kubectl("scale", "sapp/scaled", "--replicas=3", "-n", namespace)
    world.until(
        lambda: (world.get("sapp", "scaled", namespace) or {})["status"].get("readyReplicas") == 3,
        "three containers",
    )
    assert world.get("pdb", "scaled", namespace) is not None


def test_quota_that_is_used_up_fails_the_commit_at_once(world: World) -> None:
    project = "quotas"
    small = world.stage(project)
    world.patch("sstage", "production", project, {"spec": {"quota": {"containers": 1}}})
    world.until(lambda: bool(world.list("resourcequotas", small)), "the quota")
    ended = world.commit(
        small,
        "app:create web",
        f"--app web release:create {GOOD}",
        "--app web release:activate 1",
        "--app web resource:set scale 3",
    )
    status = ended["status"]
    assert status["phase"] == "Failed", "waiting would not help, and the timeout is 300 s"
    failed = next(item for item in status["conditions"] if item["type"] == "Failed")
    assert "App 'web'" in failed["message"]
    assert "quota" in failed["message"]
    world.gone("sapp", "web", small)
