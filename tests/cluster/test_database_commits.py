"""Changesets with a database: waited for, rolled back, cancelled, destroyed last, all or nothing.

AWS is an emulator behind a proxy that lets states last, and the database is a real one (see `rds`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from sandbox import Sandbox
from tests.cluster import rds
from tests.cluster.aws.test_postgresql import NOTHING
from tests.cluster.rds import CREATING, DELETING, Rig
from tests.cluster.terminal import BOSS, grant, terminal
from tests.cluster.world import Object, World, changeset

PRODUCT: Final = "Amazon RDS for PostgreSQL"
NAME: Final = "create"
CREATE: Final = (
    "app:create web",
    "--app web release:create registry.example.com/web:1",
    "--app web release:activate 1",
    "service:create database --type postgresql",
    "--app web link:create database --env-key DATABASE_URL",
    "service:create store --type s3",
    "--app web link:create store --env-key STORE_URL",
)


@pytest.fixture(scope="module")
def rig(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rds.running(sandbox, tmp_path_factory.mktemp("emulator")) as started:
        yield started


@pytest.fixture(scope="module")
def world(rig: Rig) -> World:
    return rig.world


@pytest.fixture(scope="module")
def committed(rig: Rig, world: World) -> str:
    """A Stage with all that the Changeset makes, which has been waited for."""
    namespace = rig.stage("dbcommit")
    rig.rds.hold(CREATING)
    world.apply(changeset(namespace, NAME, *CREATE))
    waits(world, namespace, "Service 'database'", f"{PRODUCT}: creating", 1)
    told = f"Service 'database': {PRODUCT}: creating"
    world.until(
        lambda: world.held(namespace).get("waitingFor") == told,
        "a Stage that tells what its Changeset waits for",
    )
    said = "waits for Service 'database'"
    world.until(
        lambda: world.says("sapp", "web", namespace, "Reconciling", "WaitingForService") == said,
        "an App that waits for its database alone",
    )
    assert world.get("deployment", "web", namespace) is None
    rig.rds.hold()
    rig.rds.release(rig.name(namespace))
    ends(world, namespace, NAME, "Committed")
    return namespace


def waits(world: World, namespace: str, what: str, why: str, done: int, name: str = NAME) -> None:
    """Wait until a Changeset tells what it waits for, and how far it is."""
    wanted = {"done": done, "total": 3, "waitingFor": f"{what}: {why}"}

    def comes() -> bool:
        found = world.get("scs", name, namespace)
        return found is not None and found.get("status", {}).get("progress") == wanted

    world.until(comes, f"Changeset {name} of {namespace} that waits for {wanted}")


def ends(world: World, namespace: str, name: str, phase: str) -> Object:
    world.until(
        lambda: world.phase(namespace, name) in ("Committed", "Failed", "Discarded"),
        f"the end of Changeset {name} of {namespace}",
    )
    found = world.get("scs", name, namespace)
    assert found is not None
    assert found["status"]["phase"] == phase, found["status"]
    return found


def message(found: Object) -> str:
    (said,) = (each["message"] for each in found["status"]["conditions"] if each["type"] == "Ready")
    return str(said)


def nothing_is_left(rig: Rig, namespace: str) -> None:
    """Neither in the namespace nor at AWS is anything left of what the Changeset made."""
    world = rig.world
    for what, name in (("ssvc", "database"), ("ssvc", "store"), ("sapp", "web")):
        world.gone(what, name, namespace)
    for name in ("service-database", "service-store"):
        world.gone("secret", name, namespace)
    world.until(lambda: not world.list("deployments,pods", namespace), "the end of all containers")
    assert rig.owner.holdings(rig.name(namespace)) == NOTHING
    bucket = rig.name(namespace, "store")
    assert bucket not in (*rig.root.buckets(), *rig.root.users())


def test_the_example_of_the_concepts_by_the_command_line(
    rig: Rig, world: World, tmp_path: Path
) -> None:
    namespace = rig.stage("concepts")
    grant(world, BOSS, "cluster-admin")
    user = terminal(world.sandbox, tmp_path, BOSS).on("concepts", "live")
    for line in (
        *CREATE,
        "--app web network:set health-check-path /up",
    ):
        user.does(line)
    assert "Commit successful!" in user.does("changeset:commit")

    for line in (
        "app:create worker",
        "--app worker release:create registry.example.com/worker:1",
        "--app worker release:activate 1",
        "--app worker resource:set scale 2",
        "--app worker link:create database --env-key DATABASE_URL",
        "--app worker link:create store --env-key STORE_URL",
    ):
        user.does(line)
    assert "1 to create, 0 to change, 0 to destroy\n\n+ App worker\n" in user.does("changeset:info")
    assert user.does("app -o name") == "web\n", "it is only staged"
    assert "Commit successful!" in user.does("changeset:commit")
    assert user.does("app -o name") == "web\nworker\n"
    assert user.does("service -o name") == "database\nstore\n"
    assert "ACTIVE 2 / 2 running tasks" in user.does("app:info worker")
    assert "database as DATABASE_URL" in user.does("app:info worker")
    healthy = "Nothing blocks: all is as it should be.\n"
    assert user.does("why") == healthy
    rig.rds.show(rig.name(namespace), "storage-full")
    world.until(lambda: "Blocked:   Service database" in user.does("why"), "the full database")
    said = user.does("why service database")
    assert "its storage is full; raise options" in said
    assert "Code:      ValidationFailed" in said
    assert "Again:     only after it is changed" in said
    rig.rds.release(rig.name(namespace))
    world.until(lambda: user.does("why") == healthy, "the database with room again")
    rig.query(namespace, "CREATE TABLE jobs (id int)", "INSERT INTO jobs VALUES (2)")
    assert rig.query(namespace, "SELECT id FROM jobs") == [(2,)]
    assert rig.name(namespace, "store") in rig.root.buckets()
    dump = user.does("stage:dump")
    assert user.does("stage:apply -f -", input=dump) == "Nothing to change.\n"
    assert rig.secret(namespace)["url"] not in dump + user.does("app:info worker")


def test_a_commit_waits_for_its_database_and_then_its_app_reaches_it(
    rig: Rig, world: World, committed: str
) -> None:
    for what, name in (("ssvc", "database"), ("ssvc", "store"), ("sapp", "web")):
        world.wait(what, name, committed)
    assert rig.query(committed, "SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    ("project", "deletes"), [("dbcancela", True), ("dbcancelb", False)], ids=["taken", "refused"]
)
def test_a_commit_that_waits_for_its_database_can_be_cancelled(
    rig: Rig, world: World, project: str, *, deletes: bool
) -> None:
    """Whether or not RDS lets go of what it is still creating."""
    namespace = rig.stage(project)
    rig.rds.hold(CREATING)
    rig.rds.deletes_what_it_creates = deletes
    world.apply(changeset(namespace, NAME, *CREATE))
    waits(world, namespace, "Service 'database'", f"{PRODUCT}: creating", 1)
    world.patch("scs", NAME, namespace, {"spec": {"discard": True}})
    found = ends(world, namespace, NAME, "Failed")
    assert message(found) == "cancelled; all was put back"
    if not deletes:
        rig.says(namespace, "database", "AwsWaiting", "InvalidDBInstanceState")
        rig.rds.release(rig.name(namespace))
    nothing_is_left(rig, namespace)
    assert not rig.snapshots(namespace), "there was nothing to keep"
    rig.rds.hold()


def test_a_service_that_fails_for_good_takes_all_back(rig: Rig, world: World) -> None:
    full, failed = rig.stage("dbfull"), rig.stage("dbfailed")
    rig.rds.refuse("CreateDBInstance", rig.name(full), "InstanceQuotaExceeded")
    rig.rds.hold(CREATING)
    world.apply(changeset(full, NAME, *CREATE), changeset(failed, NAME, *CREATE))
    waits(world, failed, "Service 'database'", f"{PRODUCT}: creating", 1)
    rig.rds.hold()
    rig.rds.show(rig.name(failed), "failed")
    said = message(ends(world, full, NAME, "Failed"))
    assert said.startswith("Service 'database': CreateDBInstance in AWS account"), said
    assert "InstanceQuotaExceeded" in said
    assert said.endswith("all was put back")
    said = message(ends(world, failed, NAME, "Failed"))
    assert said.startswith(f"Service 'database': {PRODUCT}: failed; "), said
    for namespace in (full, failed):
        nothing_is_left(rig, namespace)
        world.lock_is_freed(namespace)


def test_what_aws_can_not_do_is_refused_before_anything_is_done(
    rig: Rig, world: World, committed: str
) -> None:
    grow = {"services": {"database": {"version": "16", "options": {"minStorage": 40}}}}
    found = world.commit(committed, name="grow", definition=grow)
    assert found["status"]["phase"] == "Committed", found["status"]
    name = rig.name(committed)
    before = rig.owner.instance(name)
    assert before["AllocatedStorage"] == 40
    shrink = {"services": {"database": {"version": "14", "options": {"minStorage": 30}}}}
    found = world.commit(committed, name="shrink", definition=shrink)
    assert found["status"]["phase"] == "Failed"
    said = "; ".join(each["message"] for each in found["status"]["errors"])
    assert "minStorage is 40 GB and can't shrink to 30 GB" in said
    assert "version is 16 and can't go back to 14" in said
    assert rig.owner.instance(name) == before


def test_a_database_is_destroyed_last_and_the_plan_says_so(
    rig: Rig, world: World, committed: str
) -> None:
    commands: Sequence[str] = (
        "--app web link:destroy database",
        "service:destroy database",
        "--app web env:set MODE=alone",
    )
    world.apply(changeset(committed, "look", *commands, commit=False))
    world.until(lambda: world.phase(committed, "look") == "Open", "a plan")
    found = world.get("scs", "look", committed)
    assert found is not None
    last = found["status"]["plan"]["changes"][-1]
    assert (last["action"], last["name"]) == ("destroy", "database")
    assert last["effect"] == "keeps a final snapshot of the data"
    assert rig.query(committed, "SELECT 1") == [(1,)], "it is only a plan"

    rig.rds.hold(DELETING)
    world.patch("scs", "look", committed, {"spec": {"commit": True}})
    found = ends(world, committed, "look", "Committed")
    assert found["status"]["irrevocable"]
    world.wait("sapp", "web", committed)
    rig.says(committed, "database", "Deleting", f"{PRODUCT}: deleting")
    rig.rds.hold()
    rig.rds.release(rig.name(committed))
    world.gone("ssvc", "database", committed)
    assert len(rig.snapshots(committed)) == 1
    assert rig.owner.holdings(rig.name(committed)) == {**NOTHING, "snapshots": 1}
    world.wait("ssvc", "store", committed)


def test_a_failing_commit_destroys_no_database(rig: Rig, world: World) -> None:
    """What comes before the point of no return fails, so that it isn't passed."""
    namespace = rig.stage("dbspared")
    found = world.commit(namespace, "service:create database --type postgresql", name=NAME)
    assert found["status"]["phase"] == "Committed", found["status"]
    rig.query(namespace, "CREATE TABLE kept (id int)")
    second = rig.name(namespace, "other")
    rig.rds.refuse("CreateDBInstance", second, "InstanceQuotaExceeded")
    found = world.commit(
        namespace, "service:destroy database", "service:create other --type postgresql", name="swap"
    )
    assert found["status"]["phase"] == "Failed", found["status"]
    assert "irrevocable" not in found["status"]
    world.wait("ssvc", "database", namespace)
    assert rig.query(namespace, "SELECT count(*) FROM kept") == [(0,)]
    world.gone("ssvc", "other", namespace)
    assert rig.owner.holdings(second) == NOTHING
