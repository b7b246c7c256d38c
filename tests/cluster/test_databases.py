"""Databases by kubectl: waited for, linked, changed, broken, deleted, with a real PostgreSQL.

AWS is an emulator behind a proxy that lets states last (see `rds`). What is checked of credentials
is checked by connecting with the link's value and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import Sandbox
from tests.cluster import rds
from tests.cluster.rds import CREATING, MODIFYING, Rig
from tests.cluster.world import manifest

LINK = {"database": {"envKey": "DATABASE_URL"}}
WEB = {"image": "registry.example.com/web:1", "links": LINK}
PRODUCT = "Amazon RDS for PostgreSQL"


@pytest.fixture(scope="module")
def rig(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rds.running(sandbox, tmp_path_factory.mktemp("emulator")) as started:
        yield started


def database(namespace: str, name: str = "database", **spec: Any) -> dict[str, Any]:
    return manifest("Service", name, {"type": "postgresql", **spec}, namespace)


def test_an_app_waits_for_its_database_and_then_reaches_it(rig: Rig) -> None:
    world, stage = rig.world, rig.stage("dbmain")
    rig.rds.hold(CREATING)
    world.apply(database(stage), manifest("App", "web", WEB, stage))
    said = world.says("ssvc", "database", stage, "Reconciling", "AwsWaiting")
    world.until(
        lambda: (
            world.says("ssvc", "database", stage, "Reconciling", "AwsWaiting")
            == f"{PRODUCT}: creating"
        ),
        f"AWS's state instead of {said!r}",
    )
    said = world.says("sapp", "web", stage, "Reconciling", "WaitingForService")
    assert said == "waits for Service 'database'"
    assert world.get("deployment", "web", stage) is None, "it would start without its URL"
    assert set(rig.secret(stage)) == {"username", "password", "database"}
    service = world.get("ssvc", "database", stage)
    assert service is not None
    assert service["status"]["state"] == "creating"
    assert "endpoint" not in service["status"]

    rig.rds.hold()
    rig.rds.release(rig.name(stage))
    service = world.wait("ssvc", "database", stage)
    world.wait("sapp", "web", stage)
    assert service["status"]["state"] == "available"
    secret = rig.secret(stage)
    assert service["status"]["endpoint"] == f"{secret['host']}:{secret['port']}"
    deployment = world.get("deployment", "web", stage)
    assert deployment is not None
    (variable,) = (
        each
        for each in deployment["spec"]["template"]["spec"]["containers"][0]["env"]
        if each["name"] == "DATABASE_URL"
    )
    reference = {"name": "service-database", "key": "url"}
    assert variable["valueFrom"]["secretKeyRef"] == reference
    rig.query(stage, "CREATE TABLE orders (id int)", "INSERT INTO orders VALUES (7)")
    assert rig.query(stage, "SELECT id FROM orders") == [(7,)]


def test_a_second_change_waits_for_the_first_and_then_comes(rig: Rig) -> None:
    world, stage = rig.world, rig.stage("dbchange")
    name = rig.name(stage)
    world.apply(database(stage, plan="db.t3.small"))
    world.wait("ssvc", "database", stage)
    rig.query(stage, "CREATE TABLE kept (id int)")
    rig.rds.hold(MODIFYING)
    world.apply(database(stage, plan="db.m5.large"))
    world.until(
        lambda: (
            world.says("ssvc", "database", stage, "Reconciling", "AwsWaiting")
            == f"{PRODUCT}: modifying"
        ),
        "AWS's state",
    )
    assert rig.query(stage, "SELECT count(*) FROM kept") == [(0,)]
    world.apply(database(stage, plan="db.r5.large.ha", options={"minStorage": 40}))
    world.says("ssvc", "database", stage, "Reconciling", "AwsWaiting")
    assert rig.owner.instance(name)["DBInstanceClass"] == "db.m5.large", "AWS would refuse"
    rig.rds.hold()
    rig.rds.release(name)
    world.wait("ssvc", "database", stage)
    found = rig.owner.instance(name)
    assert (found["DBInstanceClass"], found["MultiAZ"], found["AllocatedStorage"]) == (
        "db.r5.large",
        True,
        40,
    )
    assert rig.query(stage, "SELECT count(*) FROM kept") == [(0,)]
