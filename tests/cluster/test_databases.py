"""Databases by kubectl: waited for, linked, changed, broken, deleted, with a real PostgreSQL.

AWS is an emulator behind a proxy that lets states last (see `rds`). What is checked of credentials
is checked by connecting with the link's value and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest

from sandbox import Sandbox
from tests.cluster import rds
from tests.cluster.rds import (
    CREATING,
    DELETING,
    MODIFYING,
    PENDING,
    Rig,
    app,
    form_of,
    service,
)
from tests.cluster.world import World, changeset

PRODUCT: Final = "Amazon RDS for PostgreSQL"
STAGE: Final = "dbs-live"
RESTING: Final = (
    "You can't currently modify the storage of this DB instance because the previous storage "
    "change is being optimized."
)
"""Within six hours of a change, whatever the instance's state; source: reports of users."""


@pytest.fixture(scope="module")
def rig(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rds.running(sandbox, tmp_path_factory.mktemp("emulator")) as started:
        started.stage("dbs")
        yield started


@pytest.fixture(scope="module")
def world(rig: Rig) -> World:
    return rig.world


def test_an_app_waits_for_its_database_and_then_reaches_it(rig: Rig, world: World) -> None:
    rig.rds.hold(CREATING)
    world.apply(service(STAGE, "first"), app(STAGE, "first", first="DATABASE_URL"))
    rig.says(STAGE, "first", "AwsWaiting", f"{PRODUCT}: creating")
    said = world.says("sapp", "first", STAGE, "Reconciling", "WaitingForService")
    assert said == "waits for Service 'first'"
    assert world.get("deployment", "first", STAGE) is None, "it would start without its URL"
    assert set(rig.secret(STAGE, "first")) == {"username", "password", "database"}
    found = world.get("ssvc", "first", STAGE)
    assert found is not None
    assert found["status"]["state"] == "creating"
    assert "endpoint" not in found["status"]

    rig.rds.hold()
    rig.rds.release(rig.name(STAGE, "first"))
    found = world.wait("ssvc", "first", STAGE)
    world.wait("sapp", "first", STAGE)
    assert found["status"]["state"] == "available"
    secret = rig.secret(STAGE, "first")
    assert found["status"]["endpoint"] == f"{secret['host']}:{secret['port']}"
    reference = variables(world, "first")["DATABASE_URL"]["valueFrom"]["secretKeyRef"]
    assert reference == {"name": "service-first", "key": "url"}
    rig.query(STAGE, "CREATE TABLE t (id int)", "INSERT INTO t VALUES (7)", service="first")
    assert rig.query(STAGE, "SELECT id FROM t", service="first") == [(7,)]


def variables(world: World, name: str) -> dict[str, Any]:
    """The environment of an App's container by name."""
    return {each["name"]: each for each in template(world, name)["spec"]["containers"][0]["env"]}


def template(world: World, name: str) -> Any:
    deployment = world.get("deployment", name, STAGE)
    assert deployment is not None
    return deployment["spec"]["template"]


def test_a_second_change_waits_for_the_first_and_then_comes(rig: Rig, world: World) -> None:
    name = rig.ready(STAGE, "changed", plan="db.t3.small")
    rig.query(STAGE, "CREATE TABLE kept (id int)", service="changed")
    rig.rds.hold(MODIFYING)
    world.apply(service(STAGE, "changed", plan="db.m5.large"))
    rig.says(STAGE, "changed", "AwsWaiting", f"{PRODUCT}: modifying")
    world.apply(service(STAGE, "changed", plan="db.r5.large.ha", options={"minStorage": 40}))
    rig.says(STAGE, "changed", "AwsWaiting", f"{PRODUCT}: modifying")
    assert rig.owner.instance(name)["DBInstanceClass"] == "db.m5.large", "AWS would refuse"
    rig.rds.hold()
    rig.rds.release(name)
    world.wait("ssvc", "changed", STAGE)
    found = rig.owner.instance(name)
    assert (found["DBInstanceClass"], found["MultiAZ"]) == ("db.r5.large", True)
    assert found["AllocatedStorage"] == 40
    assert rig.query(STAGE, "SELECT count(*) FROM kept", service="changed") == [(0,)]


def test_states_last_stall_or_hold_up_changes_and_clear(rig: Rig, world: World) -> None:
    backed, full, lost = (rig.ready(STAGE, name) for name in ("backed", "full", "lost"))
    rig.rds.show(backed, "backing-up")
    rig.rds.show(full, "storage-full")
    rig.rds.show(lost, "incompatible-network")
    rig.says(STAGE, "full", "ValidationFailed", "its storage is full; raise options", "Stalled")
    rig.says(STAGE, "lost", "AwsRefused", "incompatible-network; free addresses", "Stalled")
    rig.says(STAGE, "backed", "Ready", f"{PRODUCT}: backing-up", "Ready")
    assert rig.query(STAGE, "SELECT 1", service="full") == [(1,)], "its Secret stays"
    world.apply(
        service(STAGE, "backed", plan="db.m5.large"),
        service(STAGE, "full", options={"minStorage": 30}),
    )
    world.wait("ssvc", "full", STAGE)
    assert rig.owner.instance(full)["AllocatedStorage"] == 30
    rig.says(STAGE, "backed", "AwsWaiting", f"{PRODUCT}: backing-up")
    rig.rds.release(backed)
    rig.rds.release(lost)
    world.wait("ssvc", "backed", STAGE)
    assert rig.owner.instance(backed)["DBInstanceClass"] == "db.m5.large"
    world.wait("ssvc", "lost", STAGE)


def test_deletion_does_what_the_policy_says(rig: Rig, world: World) -> None:
    names = {
        "snapped": rig.ready(STAGE, "snapped"),
        "kept": rig.ready(STAGE, "kept", deletionPolicy="Retain"),
        "wiped": rig.ready(STAGE, "wiped", deletionPolicy="Delete"),
    }
    world.apply(app(STAGE, "snapper", snapped="DATABASE_URL"))
    world.wait("sapp", "snapper", STAGE)
    found = world.get("ssvc", "snapped", STAGE)
    assert found is not None
    urls = {name: rig.secret(STAGE, name)["url"] for name in names}
    world.delete("ssvc", *names, namespace=STAGE)
    said = world.says("ssvc", "snapped", STAGE, "Reconciling", "ServiceLinked")
    assert said == "linked by snapper; unlink it first (--app snapper link:destroy snapped)"
    assert rig.query(STAGE, "SELECT 1", service="snapped") == [(1,)]
    rig.rds.hold(DELETING)
    world.patch("sapp", "snapper", STAGE, {"spec": {"links": None}})
    rig.says(STAGE, "snapped", "Deleting", f"{PRODUCT}: deleting")
    rig.rds.hold()
    for name, at_aws in names.items():
        # That of another may have begun in the meantime, too.
        rig.rds.release(at_aws)
        world.gone("ssvc", name, STAGE)
        world.gone("secret", f"service-{name}", STAGE)
    assert rig.snapshots(STAGE, "snapped") == [
        f"{rig.name(STAGE, 'snapped')[:54]}-{found['metadata']['uid'][:8]}"
    ]
    assert not rig.snapshots(STAGE, "kept")
    assert not rig.snapshots(STAGE, "wiped")
    held = {name: rig.owner.holdings(at_aws)["instances"] for name, at_aws in names.items()}
    assert held == {"snapped": 0, "kept": 1, "wiped": 0}
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(urls["kept"], sslmode="require")

    world.apply(service(STAGE, "kept", deletionPolicy="Delete"))
    world.wait("ssvc", "kept", STAGE)
    assert rig.query(STAGE, "SELECT 1", service="kept") == [(1,)], "taken up again"


def test_a_lost_secret_gets_a_password_that_the_database_takes(rig: Rig, world: World) -> None:
    rig.ready(STAGE, "locked")
    world.apply(app(STAGE, "locked", locked="DATABASE_URL"))
    world.wait("sapp", "locked", STAGE)
    before, old = template(world, "locked")["metadata"]["annotations"], rig.secret(STAGE, "locked")
    world.delete("secret", "service-locked", namespace=STAGE)
    world.until(lambda: bool(rig.secret(STAGE, "locked").get("url")), "a whole Secret")
    assert rig.secret(STAGE, "locked")["password"] != old["password"]
    assert rig.query(STAGE, "SELECT 1", service="locked") == [(1,)]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(old["url"], sslmode="require")
    world.until(
        lambda: template(world, "locked")["metadata"]["annotations"] != before,
        "new containers, since the Secret changed",
    )
    world.wait("sapp", "locked", STAGE)


def test_no_app_starts_with_a_password_that_the_database_does_not_take_yet(
    rig: Rig, world: World
) -> None:
    name = rig.ready(STAGE, "busy")
    rig.rds.show(name, "backing-up")
    world.delete("secret", "service-busy", namespace=STAGE)
    rig.says(STAGE, "busy", "AwsWaiting", f"{PRODUCT}: backing-up")
    assert set(rig.secret(STAGE, "busy")) == {"username", "password", "database"}
    world.apply(app(STAGE, "hasty", busy="DATABASE_URL"))
    world.says("sapp", "hasty", STAGE, "Reconciling", "WaitingForService")
    rig.rds.release(name)
    world.wait("sapp", "hasty", STAGE)
    assert rig.query(STAGE, "SELECT 1", service="busy") == [(1,)]


def modifications(rig: Rig, name: str) -> int:
    """How often the operator has asked AWS to change an instance."""
    forms = [form_of(each.request) for each in rig.aws.records]
    return sum(
        (each.get("Action"), each.get("DBInstanceIdentifier")) == ("ModifyDBInstance", name)
        for each in forms
    )


def test_a_change_is_asked_for_once_and_ready_when_it_is_there(rig: Rig, world: World) -> None:
    """As RDS goes about it: pending, being made, and the storage optimized for hours after that."""
    name = rig.ready(STAGE, "patient", plan="db.t3.small", version="15")
    rig.query(STAGE, "CREATE TABLE kept (id int)", service="patient")
    before = modifications(rig, name)
    rig.rds.hold(PENDING)
    larger: dict[str, Any] = {
        "plan": "db.m5.large.ha",
        "version": "16",
        "options": {"minStorage": 40},
    }
    world.apply(service(STAGE, "patient", **larger))
    rig.says(STAGE, "patient", "AwsWaiting", f"{PRODUCT}: available, a change is pending")
    assert (world.get("ssvc", "patient", STAGE) or {})["status"]["state"] == "available"
    rig.rds.show(name, "upgrading")
    rig.says(STAGE, "patient", "AwsWaiting", f"{PRODUCT}: upgrading")
    rig.rds.hold()
    rig.rds.release(name)
    rig.rds.show(name, "storage-optimization")
    world.wait("ssvc", "patient", STAGE)
    rig.says(STAGE, "patient", "Ready", f"{PRODUCT}: storage-optimization", "Ready")
    assert modifications(rig, name) == before + 2, "the version, then the class"
    assert rig.query(STAGE, "SELECT count(*) FROM kept", service="patient") == [(0,)]

    larger["options"] = {"minStorage": 60}
    world.apply(service(STAGE, "patient", **{**larger, "plan": "db.m5.xlarge.ha"}))
    rig.says(STAGE, "patient", "AwsWaiting", "its storage can be changed again after that")
    found = rig.owner.instance(name)
    assert (found["DBInstanceClass"], found["AllocatedStorage"]) == ("db.m5.xlarge", 40)
    rig.rds.release(name)
    world.wait("ssvc", "patient", STAGE)
    assert rig.owner.instance(name)["AllocatedStorage"] == 60
    assert modifications(rig, name) == before + 4


def test_a_refusal_that_passes_is_waited_for_in_a_commit_too(rig: Rig, world: World) -> None:
    rest, state, quota = (rig.ready(STAGE, name) for name in ("resting", "taken", "poor"))
    rig.rds.refuse("ModifyDBInstance", rest, "InvalidParameterCombination", RESTING)
    rig.rds.refuse("ModifyDBInstance", state, "InvalidDBInstanceState")
    rig.rds.refuse("ModifyDBInstance", quota, "StorageQuotaExceeded")
    grown: dict[str, Any] = {"options": {"minStorage": 30}}
    world.apply(
        changeset(
            STAGE, "grow", definition={"services": dict.fromkeys(("resting", "taken"), grown)}
        ),
    )
    rig.says(STAGE, "resting", "AwsWaiting", "in six hours; the operator keeps trying until")
    rig.says(STAGE, "taken", "AwsWaiting", "InvalidDBInstanceState")
    assert world.phase(STAGE, "grow") == "Applying"
    rig.rds.allow("ModifyDBInstance", rest)
    rig.rds.allow("ModifyDBInstance", state)
    # It is asked for again now and then; a touch comes sooner.
    world.patch("ssvc", "resting", STAGE, {"metadata": {"annotations": {"touched": "now"}}})
    world.until(lambda: world.phase(STAGE, "grow") == "Committed", "the end of the commit")

    world.apply(service(STAGE, "poor", **grown))
    rig.says(STAGE, "poor", "AwsRefused", "raise the quota of the account", "Stalled")
    rig.rds.allow("ModifyDBInstance", quota)
    world.wait("ssvc", "poor", STAGE)
    assert [rig.owner.instance(each)["AllocatedStorage"] for each in (rest, state, quota)] == [
        30,
        30,
        30,
    ]


def upgrade(world: World, name: str) -> None:
    """Begin a Changeset that wants version 16 of a database."""
    definition = {"services": {name: {"version": "16"}}}
    world.apply(changeset(STAGE, f"upgrade-{name}", definition=definition))


def put_back(world: World, name: str) -> str | None:
    """What is noted of the version that a rollback has put back."""
    mark = (world.get("ssvc", name, STAGE) or {})["status"].get("versionPutBack")
    return f"{mark['version']} from {mark['taken']}" if mark else None


def fails(world: World, name: str) -> None:
    world.until(lambda: world.phase(STAGE, f"upgrade-{name}") == "Failed", "the rollback")


def test_an_upgrade_after_a_rollback_that_came_before_it_is_no_changesets(
    rig: Rig, world: World
) -> None:
    name = rig.ready(STAGE, "early", version="15")
    rig.rds.refuse("ModifyDBInstance", name, "StorageQuotaExceeded")
    upgrade(world, "early")
    fails(world, "early")
    assert put_back(world, "early") == "15 from 16"
    rig.rds.allow("ModifyDBInstance", name)
    world.wait("ssvc", "early", STAGE)
    world.until(lambda: put_back(world, "early") is None, "the end of the note")
    rig.owner.rds.modify_db_instance(
        DBInstanceIdentifier=name,
        EngineVersion="16",
        AllowMajorVersionUpgrade=True,
        ApplyImmediately=True,
    )
    rig.says(STAGE, "early", "ValidationFailed", "PostgreSQL can't go back", "Stalled")


def test_who_wants_the_version_that_was_rolled_back_after_all_can_not_go_back(
    rig: Rig, world: World
) -> None:
    name = rig.ready(STAGE, "late", version="15")
    rig.rds.hold(MODIFYING)
    upgrade(world, "late")
    rig.says(STAGE, "late", "AwsWaiting", "modifying")
    world.patch("scs", "upgrade-late", STAGE, {"spec": {"discard": True}})
    fails(world, "late")
    rig.rds.hold()
    rig.rds.release(name)
    rig.says(STAGE, "late", "Ready", "can't go back to 15; set version to 16", "Ready")
    assert put_back(world, "late") == "15 from 16"
    world.patch("ssvc", "late", STAGE, {"spec": {"version": "16"}})
    world.wait("ssvc", "late", STAGE)
    assert put_back(world, "late") is None
    world.patch("ssvc", "late", STAGE, {"spec": {"version": "15"}})
    rig.says(STAGE, "late", "ValidationFailed", "PostgreSQL can't go back", "Stalled")
