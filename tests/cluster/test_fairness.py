"""What one Stage's members may do to what all Stages share: little, and they are told the bound."""

from __future__ import annotations

import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any, Final

import pytest

from sandbox import Sandbox
from setops.api import names
from tests.cluster.world import World, changeset, manifest, organization

KEPT: Final = 6
VALUES: Final = {
    "lease": {"duration": 30, "renewDeadline": 20, "retryPeriod": 0.5},
    "changesets": {"keep": KEPT, "keepDays": 30},
    "planning": {"seconds": 0.5, "memory": 128},
}
EVE: Final = "eve@example.com"


@pytest.fixture(scope="module")
def world(sandbox: Sandbox) -> Iterator[World]:
    with sandbox.operator(values=VALUES) as operator:
        yield World(sandbox, operator)


@pytest.fixture(scope="module")
def stage(world: World) -> str:
    return world.stage("fairness")


def draft(namespace: str, name: str, user: str, *commands: str, **spec: Any) -> dict[str, Any]:
    asked = {"user": user, "commands": list(commands), **spec}
    return manifest("Changeset", name, asked, namespace)


def create(world: World, *objects: dict[str, Any]) -> None:
    """Not by apply, whose annotation would hold a large manifest once more."""
    listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    world.sandbox.kubectl("create", "-f", "-", input=json.dumps(listed))


def status(world: World, namespace: str, name: str) -> dict[str, Any]:
    found = world.get("scs", name, namespace)
    assert found is not None
    return dict(found.get("status") or {})


def large(apps: int, size: int, image: str | None = None) -> dict[str, Any]:
    """A definition of Apps that don't run, or run with an image, with so many variables each."""
    env = {f"KEY{number}": {"value": "x" * 5} for number in range(size)}
    app = {"env": env, **({"image": image} if image else {})}
    return {"apps": {f"app{number}": app for number in range(apps)}}


def test_of_one_user_only_the_oldest_open_changeset_is_planned(world: World, stage: str) -> None:
    user = "two@example.com"
    create(world, draft(stage, "first", user, "app:create one"))
    world.until(lambda: "plan" in status(world, stage, "first"), "its plan")
    create(world, draft(stage, "second", user, "app:create two"))
    world.until(lambda: "observedGeneration" in status(world, stage, "second"), "a word")
    said = status(world, stage, "second")
    assert said["conditions"][0]["reason"] == "ChangesetLocked"
    assert "plan" not in said
    assert said["baseRevision"] == status(world, stage, "first")["baseRevision"]
    world.patch("scs", "first", stage, {"spec": {"discard": True}})
    world.until(lambda: "plan" in status(world, stage, "second"), "the plan of the next one")
    world.patch("scs", "second", stage, {"spec": {"discard": True}})
    world.until(lambda: world.phase(stage, "second") == "Discarded", "its end")


def test_a_user_has_so_many_unfinished_ones_and_is_told(world: World, stage: str) -> None:
    create(world, *(draft(stage, f"open{each:02}", EVE, "app:create one") for each in range(23)))
    ended = {f"open{each:02}" for each in range(20, 23)}
    world.until(
        lambda: {name for name in ended if world.phase(stage, name) == "Failed"} == ended,
        "the end of those above the bound",
    )
    said = world.says("scs", "open20", stage, "Failed", "ChangesetLocked")
    assert f"{EVE} has 20 Changesets on this Stage" in said
    assert "the most that one user may have; commit or discard some of them" in said
    kept = [f"open{each:02}" for each in range(20)]
    assert {world.phase(stage, name) for name in kept} == {"Open"}
    create(world, changeset(stage, "of-another", "app:create two", user="other@example.com"))
    world.until(lambda: world.phase(stage, "of-another") == "Committed", "another's commit")
    world.delete("scs", *kept, namespace=stage)
    world.gone("scs", "open00", stage)


def test_a_large_one_is_planned_shown_and_committed_whole(world: World, stage: str) -> None:
    """The cache leaves its content out."""
    definition = large(12, 200)
    commands = [f"--app app{number % 12} env:set NEW{number}=v" for number in range(150)]
    create(world, draft(stage, "large", "big@example.com", *commands, definition=definition))
    world.until(lambda: "plan" in status(world, stage, "large"), "its plan")
    shown = status(world, stage, "large")["plan"]
    assert shown["summary"] == "12 to create, 0 to change, 0 to destroy"
    world.patch("scs", "large", stage, {"spec": {"commit": True}})
    world.until(lambda: world.phase(stage, "large") == "Committed", "its commit")
    last = world.get("sapp", "app11", stage)
    assert last is not None
    assert len(last["spec"]["env"]) == 200 + len(range(11, 150, 12))
    assert status(world, stage, "large")["plan"]["targetHash"] == shown["targetHash"]


@pytest.mark.parametrize("commit", [False, True], ids=["open", "to be committed"])
def test_a_plan_that_takes_too_much_is_refused_and_names_the_bound(
    world: World, stage: str, *, commit: bool
) -> None:
    name, user = f"costly-{commit}".lower(), f"costly-{commit}@example.com"
    heavy = draft(stage, name, user, definition=large(100, 450), commit=commit)
    heavy["spec"]["commands"] = [
        f"--app app{number % 100} env:set K{number}=v" for number in range(990)
    ]
    create(world, heavy)
    said = world.says("scs", name, stage, "Failed" if commit else "Stalled", "ChangesetInvalid")
    assert "0.5 s of CPU or 128 MiB of memory; split the Changeset into several" in said
    if not commit:
        world.delete("scs", name, namespace=stage)


def test_a_plan_follows_the_stage_and_says_which_revision(world: World, stage: str) -> None:
    create(world, draft(stage, "follows", "who@example.com", "app:create late"))
    world.until(lambda: "plan" in status(world, stage, "follows"), "its plan")
    before = status(world, stage, "follows")["plannedRevision"]
    done = world.commit(stage, "app:create late", user="quick@example.com")["status"]
    assert done["revision"] == before + 1
    world.until(
        lambda: status(world, stage, "follows").get("plannedRevision") == before + 1,
        "a plan for the new revision",
    )
    assert status(world, stage, "follows")["plan"]["summary"] == "Nothing to change"
    world.delete("scs", "follows", namespace=stage)


def test_old_ones_go_and_those_of_git_stay(world: World) -> None:
    namespace = world.stage("tidy")
    tracked = changeset(namespace, "from-git", "app:create git")
    tracked["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "a:b"}
    create(world, tracked)
    world.until(lambda: world.phase(namespace, "from-git") == "Committed", "the first")
    for number in range(KEPT + 2):
        world.commit(namespace, f"app:create app{number}", name=f"c{number}")
    wanted = {"from-git", *(f"c{number}" for number in range(2, KEPT + 2))}
    world.until(
        lambda: {each["metadata"]["name"] for each in world.list("scs", namespace)} == wanted,
        "the end of the old ones",
    )
    stage = namespace.removeprefix("tidy-")
    revisions = {each["metadata"]["name"] for each in world.list("controllerrevision", namespace)}
    assert revisions >= {names.revision_name(stage, number) for number in range(1, KEPT + 4)}
    again = world.commit(namespace, "app:create app0", name="c0")["status"]
    assert "the same Changeset was committed before" in again["conditions"][0]["message"]


@pytest.fixture
def hanging() -> Iterator[str]:
    """An endpoint that takes every connection and never says a word."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:

        def accept() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    for each in held:
        each.close()


def test_an_account_that_hangs_holds_up_nobody_else(world: World, hanging: str) -> None:
    away = organization("away", aws={**_account(), "endpointUrl": hanging})
    world.apply(away, manifest("Project", "away", {"organization": "away"}))
    world.apply(manifest("Stage", "production", {}, "away"))
    world.wait("sstage", "production", "away")
    spec = {"type": "s3", "deletionPolicy": "Delete"}
    names = [f"files{number}" for number in range(40)]
    world.apply(*(manifest("Service", name, spec, "away-production") for name in names))
    namespace = world.stage("beside")
    for number in range(5):
        done = world.commit(
            namespace, f"app:create app{number}", f"service:create s{number} --type s3"
        )
        assert done["status"]["phase"] in ("Committed", "Failed"), done["status"]
    services = world.list("ssvc", "away-production")
    assert not [each for each in services if "arn" in each.get("status", {})]
    said = world.says("ssvc", "files0", "away-production", "Reconciling", "AwsUnreachable")
    assert "the next call is made at" in said
    said = world.says("sorg", "away", "", "!Reachable", "AwsUnreachable")
    assert "the next call is made at" in said
    with urllib.request.urlopen(f"{world.operator.url}/healthz", timeout=10) as answer:  # noqa: S310
        assert answer.status == 200
    assert 'setops_aws_accounts{state="closed"}' in world.operator.metrics()
    world.delete("project.setops.co", "beside")


def _account() -> dict[str, str]:
    return {"accountId": "111111111111", "region": "eu-central-1"}
