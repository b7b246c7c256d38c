"""Whatever is deleted around a database: it ends with a final snapshot, or says what it waits for.

All deletions begin at once, since namespaces take seconds to go, and all databases are let go at
once when everybody has said what holds it up; each test then looks at one end. AWS is an emulator
behind a proxy that lets deletions last (see `rds`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from sandbox import Sandbox
from sandbox.proxy import Fail, Request
from setops.aws.target import Account
from tests.cluster import rds
from tests.cluster.aws.test_postgresql import NOTHING, Owner
from tests.cluster.rds import (
    ACCOUNT,
    CREATING,
    DELETING,
    MODIFYING,
    Rig,
    failure,
    network,
    service,
)
from tests.cluster.world import World

PROJECT: Final = "project.setops.co"
PRODUCT: Final = "Amazon RDS for PostgreSQL"

STAGE: Final = "dbendstage"
NAMESPACE: Final = "dbendns"
WHOLE: Final = "dbendproject"
FORCED: Final = "dbendforced"
BROKEN: Final = "dbendbroken"
MADE: Final = "dbendmade"
"""Whose database is still being created."""
CHANGED: Final = "dbendchanged"
"""Whose database is being modified."""
USED: Final = "dbendused"
"""What its databases needed stays in use for a while after they are gone."""
HELD: Final = (STAGE, NAMESPACE, WHOLE, FORCED)
"""Those whose databases are a long time in going."""
EXPIRED: Final = "dbendexpired"
ELSEWHERE: Final = "eu-west-1"
"""A region of its own for the one whose credentials expire."""


def in_stage(project: str) -> str:
    return f"{project}-live"


@pytest.fixture(scope="module")
def rig(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rds.running(sandbox, tmp_path_factory.mktemp("emulator")) as started:
        furnish(started)
        begin(started)
        yield started
        started.rds.first = None
        for project in HELD:
            started.rds.release(started.name(in_stage(project)))


@pytest.fixture(scope="module")
def world(rig: Rig) -> World:
    return rig.world


def furnish(rig: Rig) -> None:
    """Projects whose Stages have a database each, which is ready."""
    there = Owner(Account(ACCOUNT, ELSEWHERE, endpoint_url=rig.direct.url))
    aws = {"accountId": ACCOUNT, "region": ELSEWHERE}
    for project in (STAGE, NAMESPACE, WHOLE, BROKEN, MADE, CHANGED, USED):
        rig.stage(project)
    rig.stage(FORCED, FORCED)
    rig.stage(EXPIRED, EXPIRED, aws=aws, network=network(there))
    ready = [project for project in rig.projects if project not in (MADE, USED)]
    rig.world.apply(*(service(in_stage(project), "database") for project in ready))
    rig.world.apply(*(service(in_stage(USED), name) for name in IN_USE))
    for project in ready:
        rig.world.wait("ssvc", "database", in_stage(project))
    for name in IN_USE:
        rig.world.wait("ssvc", name, in_stage(USED))
    rig.rds.hold(CREATING)
    rig.world.apply(service(in_stage(MADE), "database"))
    rig.says(in_stage(MADE), "database", "AwsWaiting", f"{PRODUCT}: creating")


IN_USE: Final = {
    "parameters": ("DeleteDBParameterGroup", "InvalidDBParameterGroupState"),
    "subnets": ("DeleteDBSubnetGroup", "InvalidDBSubnetGroupStateFault"),
    "addresses": ("DeleteSecurityGroup", "DependencyViolation"),
}
"""By Service: which deletion AWS refuses, and how it says that something is in use."""


GROUPS: Final[dict[str, str]] = {}


def group_of(rig: Rig, name: str) -> str:
    """What names the group of a Service that stays in use."""
    at_aws = rig.name(in_stage(USED), name)
    match name:
        case "parameters":
            group: str = rig.owner.instance(at_aws)["DBParameterGroups"][0]["DBParameterGroupName"]
        case "subnets":
            group = at_aws
        case _:
            group = rig.owner.group(at_aws)["GroupId"]
    return group


def begin(rig: Rig) -> None:
    """Delete everything, each from another end."""
    world = rig.world
    rig.rds.hold(DELETING)
    rig.rds.show(rig.name(in_stage(BROKEN)), "failed")
    rig.rds.show(rig.name(in_stage(CHANGED)), MODIFYING)
    for name, (call, code) in IN_USE.items():
        GROUPS[name] = group_of(rig, name)
        rig.rds.refuse(call, GROUPS[name], code)
    rig.rds.first = expired
    world.delete("sorg", FORCED)
    world.says("sorg", FORCED, "", "Reconciling", "Deleting")
    world.patch("sorg", FORCED, "", {"metadata": {"finalizers": []}})
    world.gone("sorg", FORCED)
    world.delete("sstage", "live", namespace=STAGE)
    world.delete("namespace", in_stage(NAMESPACE))
    world.delete(PROJECT, WHOLE, FORCED, BROKEN, EXPIRED, MADE, CHANGED, USED)


def expired(request: Request) -> Fail | None:
    """What AWS says of credentials that have expired, in one of the regions."""
    if f"/{ELSEWHERE}/rds/" not in request.headers.get("authorization", ""):
        return None
    return failure("ExpiredToken", "the token has expired", 403)


def blocked(rig: Rig, what: str, name: str, namespace: str, why: str) -> None:
    """Wait until a parent names what its end waits for."""

    def told() -> bool:
        return why in rig.world.says(what, name, namespace, "Reconciling", "Deleting")

    rig.world.until(told, f"{what}/{name} that waits for: {why}")


def ended_with_a_snapshot(rig: Rig, project: str) -> None:
    """Its database is gone and so is all around it, but for one final snapshot."""
    namespace = in_stage(project)
    assert rig.owner.holdings(rig.name(namespace)) == {**NOTHING, "snapshots": 1}


DELETES: Final = f"Service 'database' ({PRODUCT}: deleting)"


@pytest.fixture(scope="module")
def told(rig: Rig, world: World) -> str:
    """What everybody waits for has been said, and all databases are let go; a namespace's uid."""
    blocked(rig, "sstage", "live", STAGE, f"waits for {DELETES}")
    for project in (WHOLE, FORCED):
        blocked(rig, PROJECT, project, "", f"waits for Stage 'live' (waits for {DELETES})")
    rig.says(in_stage(NAMESPACE), "database", "Deleting", f"{PRODUCT}: deleting")
    before = world.get("namespace", in_stage(NAMESPACE))
    assert before is not None
    assert before["status"]["phase"] == "Terminating"
    why = "AWS takes no final snapshot of a database in state failed; set deletionPolicy to Delete"
    rig.says(in_stage(BROKEN), "database", "AwsRefused", why, "Stalled")
    blocked(rig, PROJECT, BROKEN, "", why)
    assert rig.owner.holdings(rig.name(in_stage(BROKEN)))["instances"] == 1
    rig.says(in_stage(EXPIRED), "database", "AwsRefused", "ExpiredToken", "Stalled")
    blocked(rig, PROJECT, EXPIRED, "", "ExpiredToken")
    for project in (MADE, CHANGED):
        rig.says(in_stage(project), "database", "AwsWaiting", "InvalidDBInstanceState")
    rig.rds.hold()
    for project in (*HELD, MADE, CHANGED):
        rig.rds.release(rig.name(in_stage(project)))
    for name in IN_USE:
        rig.rds.release(rig.name(in_stage(USED), name))
    for name, (call, code) in IN_USE.items():
        rig.says(in_stage(USED), name, "AwsWaiting", code)
        rig.rds.allow(call, GROUPS[name])
    world.patch("ssvc", "database", in_stage(BROKEN), {"spec": {"deletionPolicy": "Delete"}})
    rig.rds.first = None
    return str(before["metadata"]["uid"])


def test_from_the_stage(rig: Rig, world: World, told: str) -> None:
    assert told
    world.gone("sstage", "live", STAGE)
    world.gone("namespace", in_stage(STAGE))
    ended_with_a_snapshot(rig, STAGE)


@pytest.mark.parametrize("project", [WHOLE, FORCED], ids=["as it is", "without its Organization"])
def test_from_the_project(rig: Rig, world: World, told: str, project: str) -> None:
    assert told
    world.gone(PROJECT, project)
    ended_with_a_snapshot(rig, project)


def test_from_the_stages_namespace(rig: Rig, world: World, told: str) -> None:
    namespace = in_stage(NAMESPACE)

    def made_again() -> bool:
        found = world.get("namespace", namespace)
        return found is not None and found["metadata"]["uid"] != told

    world.until(made_again, "a namespace for the Stage, which is still wanted")
    world.wait("sstage", "live", NAMESPACE)
    assert not world.list("ssvc,secrets", namespace)
    ended_with_a_snapshot(rig, NAMESPACE)


def test_one_of_which_aws_takes_no_snapshot_goes_when_it_may(
    rig: Rig, world: World, told: str
) -> None:
    assert told
    world.gone(PROJECT, BROKEN)
    assert rig.owner.holdings(rig.name(in_stage(BROKEN))) == NOTHING


def test_one_goes_when_the_credentials_are_renewed(world: World, told: str) -> None:
    assert told
    world.gone(PROJECT, EXPIRED)


@pytest.mark.parametrize("project", [MADE, CHANGED], ids=["being created", "being modified"])
def test_one_that_aws_is_at_work_on_goes_when_it_is_ready(
    rig: Rig, world: World, told: str, project: str
) -> None:
    """AWS takes no snapshot of it before, nor its protection off."""
    assert told
    world.gone(PROJECT, project)
    ended_with_a_snapshot(rig, project)


def test_what_a_database_needed_goes_when_nothing_uses_it_any_more(
    rig: Rig, world: World, told: str
) -> None:
    assert told
    world.gone(PROJECT, USED)
    for name in IN_USE:
        at_aws = rig.name(in_stage(USED), name)
        assert rig.owner.holdings(at_aws) == {**NOTHING, "snapshots": 1}
