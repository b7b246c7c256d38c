"""Databases and their AWS accounts: networks, quotas, credentials, and what others do there.

AWS is an emulator behind a proxy; the databases are real ones (see `rds`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Final

import pytest

from sandbox import Sandbox
from sandbox.proxy import Action, Call, Fail, Request
from setops.aws.target import Account
from tests.cluster import rds
from tests.cluster.aws.story import Root
from tests.cluster.aws.test_accounts import EXTERNAL_ID, with_role
from tests.cluster.aws.test_postgresql import Owner
from tests.cluster.rds import Rig, failure, network, service
from tests.cluster.world import Object, World

STAGE: Final = "dbaws-live"
TAKEN: Final = b"<Error><Code>BucketAlreadyExists</Code><Message>taken</Message></Error>"


@pytest.fixture(scope="module")
def rig(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rds.running(sandbox, tmp_path_factory.mktemp("emulator")) as started:
        started.stage("dbaws")
        yield started


@pytest.fixture(scope="module")
def world(rig: Rig) -> World:
    return rig.world


def events(world: World, name: str, reason: str) -> list[str]:
    selector = f"involvedObject.name={name},reason={reason}"
    found = world.sandbox.kubectl(
        "get", "events", "-n", STAGE, "--field-selector", selector, "-o", "json"
    )
    return [event["message"] for event in json.loads(found.stdout)["items"]]


def test_an_organization_is_told_what_its_network_lacks_and_gets_it(rig: Rig, world: World) -> None:
    networks = {"none": {}, "bare": {"vpcId": rig.owner.placement.vpc_id}}
    for name, wanted in networks.items():
        namespace = rig.stage(f"db{name}", name, network=wanted)
        world.apply(service(namespace, "early"))
    subnets, groups = "network.privateSubnetIds", "network.securityGroupIds"
    lacks = {"none": f"network.vpcId, {subnets}, {groups}", "bare": f"{subnets}, {groups}"}
    for name, told in lacks.items():
        said = f"Organization '{name}' doesn't say where its databases live: set {told} of it"
        rig.says(f"db{name}-live", "early", "AwsRefused", said, "Stalled")
        world.apply(rig.organization(name))
    for name in networks:
        world.wait("ssvc", "early", f"db{name}-live")
        assert rig.query(f"db{name}-live", "SELECT 1", service="early") == [(1,)]


def test_a_network_that_is_put_right_leaves_nothing_in_the_wrong_one(
    rig: Rig, world: World
) -> None:
    other = Owner(rig.root.account)
    namespace = rig.stage("dbmoved", "moved", network=network(other))
    name = rig.name(namespace)
    rig.rds.refuse("CreateDBInstance", name, "InvalidVPCNetworkStateFault")
    world.apply(service(namespace, "database"))
    rig.says(
        namespace, "database", "AwsRefused", "correct `network` of the Organization", "Stalled"
    )
    assert rig.owner.group(name)["VpcId"] == other.placement.vpc_id
    world.apply(rig.organization("moved"))
    world.until(lambda: is_wanted_in(rig, namespace, rig.owner), "the network as it is now")
    rig.rds.allow("CreateDBInstance", name)
    world.wait("ssvc", "database", namespace)
    assert rig.owner.group(name)["VpcId"] == rig.owner.placement.vpc_id, "the only one"
    subnets = rig.owner.instance(name)["DBSubnetGroup"]["Subnets"]
    assert {each["SubnetIdentifier"] for each in subnets} == set(rig.owner.placement.subnet_ids)
    # What is there stays where it is.
    world.apply(rig.organization("moved", network=network(other)))
    nodes = list(other.placement.security_group_ids)
    world.until(lambda: who_may_reach(rig, name) == nodes, "those who may reach it by now")
    assert is_wanted_in(rig, namespace, rig.owner)
    assert rig.owner.group(name)["VpcId"] == rig.owner.placement.vpc_id


def test_nothing_is_made_in_a_network_that_was_put_right_just_before(
    rig: Rig, world: World
) -> None:
    """The correction comes when the operator has looked at the network and is about to use it."""
    other = Owner(rig.root.account)
    namespace = rig.stage("dbraced", "raced", network=network(other))
    corrected: list[Request] = []

    def correct(request: Request) -> Action | None:
        if corrected or not request.is_write or f"{namespace}/secrets" not in request.path:
            return None
        corrected.append(request)
        return Call(lambda: world.apply(rig.organization("raced")))

    rig.api.rule = correct
    world.apply(service(namespace, "database"))
    world.wait("ssvc", "database", namespace)
    rig.api.rule = None
    assert corrected
    assert is_wanted_in(rig, namespace, rig.owner)
    assert rig.owner.group(rig.name(namespace))["VpcId"] == rig.owner.placement.vpc_id


def is_wanted_in(rig: Rig, namespace: str, owner: Owner) -> bool:
    found = rig.world.get("ssvc", "database", namespace)
    assert found is not None
    return bool(found["status"]["target"]["network"]["vpcId"] == owner.placement.vpc_id)


def who_may_reach(rig: Rig, name: str) -> list[str]:
    permissions = rig.owner.group(name)["IpPermissions"]
    return [pair["GroupId"] for each in permissions for pair in each["UserIdGroupPairs"]]


def test_a_database_that_somebody_has_deleted_is_not_replaced(rig: Rig, world: World) -> None:
    name = rig.ready(STAGE, "stolen")
    rig.owner.rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
    rig.owner.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    rig.says(STAGE, "stolen", "AwsRefused", f"RDS instance {name} was deleted", "Stalled")
    assert rig.owner.holdings(name)["instances"] == 0
    world.delete("ssvc", "stolen", namespace=STAGE)
    world.gone("ssvc", "stolen", STAGE)
    assert not any(rig.owner.holdings(name).values())


def test_drift_is_shown_and_put_right(rig: Rig, world: World) -> None:
    name = rig.ready(STAGE, "drifting", plan="db.t3.micro")
    world.apply(service(STAGE, "drifting", plan="db.t3.small"))
    world.wait("ssvc", "drifting", STAGE)
    world.apply(service(STAGE, "files", "s3"), service(STAGE, "emptied", "s3"))
    world.wait("ssvc", "files", STAGE)
    world.wait("ssvc", "emptied", STAGE)
    bucket, emptied = rig.name(STAGE, "files"), rig.name(STAGE, "emptied")
    rig.owner.rds.modify_db_instance(
        DBInstanceIdentifier=name, DBInstanceClass="db.r5.large", ApplyImmediately=True
    )
    rig.root.s3.delete_public_access_block(Bucket=bucket)
    rig.root.s3.delete_bucket(Bucket=emptied)
    world.until(
        lambda: rig.owner.instance(name)["DBInstanceClass"] == "db.t3.small", "the class as before"
    )
    world.until(lambda: emptied in rig.root.buckets(), "the bucket, empty")
    said = {
        "drifting": "changed at AWS: instance.class is db.r5.large, not db.t3.small; "
        "it is put right",
        "emptied": "changed at AWS: something of it is gone; it is put right",
    }
    for one, message in said.items():
        world.until(
            partial(told, world, one, message), f"an Event that says what was found of {one}"
        )
    world.until(lambda: bool(events(world, "files", "AwsDrifted")), "an Event of the bucket")
    block = rig.root.s3.get_public_access_block(Bucket=bucket)
    assert set(block["PublicAccessBlockConfiguration"].values()) == {True}
    # Of what its user has changed nothing is said.
    assert events(world, "drifting", "AwsDrifted") == [said["drifting"]]


def told(world: World, name: str, message: str) -> bool:
    return message in events(world, name, "AwsDrifted")


def test_two_accounts_and_two_regions_side_by_side(rig: Rig, world: World) -> None:
    endpoint = rig.direct.url
    places = {"one": ("111111111111", "eu-west-1"), "other": ("222222222222", "us-east-1")}
    owners: dict[str, Owner] = {}
    for name, (number, region) in places.items():
        account = with_role(number, region, endpoint)
        allow_databases(account)
        owners[name] = Owner(account)
        aws = {
            "accountId": number,
            "region": region,
            "roleArn": account.role_arn,
            "externalId": EXTERNAL_ID,
        }
        namespace = rig.stage(f"dbs{name}", name, aws=aws, network=network(owners[name]))
        world.apply(service(namespace, "database"))
    for name in places:
        namespace = f"dbs{name}-live"
        world.wait("ssvc", "database", namespace)
        assert rig.query(namespace, "SELECT 1") == [(1,)]
        (made,) = owners[name].rds.describe_db_instances()["DBInstances"]
        assert made["DBInstanceIdentifier"] == rig.name(namespace)
        assert places[name][1] in made["DBInstanceArn"]


def allow_databases(account: Account) -> None:
    """Give the role that leads into the account the right to databases and their network."""
    statement = {"Effect": "Allow", "Action": ["rds:*", "ec2:*"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    Root(account).iam.put_role_policy(
        RoleName="setops", PolicyName="databases", PolicyDocument=document
    )


def test_expired_credentials_are_named_until_they_are_renewed(rig: Rig, world: World) -> None:
    rig.ready(STAGE, "expired")

    def refuse(request: Request) -> Fail | None:
        return failure("ExpiredToken", "the token is expired", 403) if is_rds(request) else None

    rig.rds.first = refuse
    rig.says(STAGE, "expired", "AwsRefused", "ExpiredToken", "Stalled")
    assert rig.query(STAGE, "SELECT 1", service="expired") == [(1,)]
    rig.rds.first = None
    world.wait("ssvc", "expired", STAGE)


def is_rds(request: Request) -> bool:
    return "/rds/aws4_request" in request.headers.get("authorization", "")


def test_a_quota_and_a_name_that_is_taken_worldwide_stall_and_clear(rig: Rig, world: World) -> None:
    name, bucket = rig.name(STAGE, "toomany"), rig.name(STAGE, "popular")

    def taken(request: Request) -> Fail | None:
        if request.method == "PUT" and request.path == f"/{bucket}" and not request.query:
            return Fail(409, TAKEN, {"Content-Type": "application/xml"})
        return None

    rig.rds.first = taken
    rig.rds.refuse("CreateDBInstance", name, "InstanceQuotaExceeded")
    world.apply(service(STAGE, "toomany"), service(STAGE, "popular", "s3"))
    rig.says(STAGE, "toomany", "AwsRefused", "raise the quota of the account", "Stalled")
    rig.says(STAGE, "popular", "AwsRefused", "unique among all AWS accounts", "Stalled")
    rig.rds.first = None
    rig.rds.allow("CreateDBInstance", name)
    world.wait("ssvc", "toomany", STAGE)
    world.wait("ssvc", "popular", STAGE)


def note(world: World, name: str, status: Object) -> None:
    """Write fields of a Service's status, as an operator would."""
    patch = json.dumps({"status": status})
    line = ("patch", "ssvc", name, "-n", STAGE, "--subresource=status", "--type=merge")
    world.sandbox.kubectl(*line, "--patch", patch)


def test_the_ids_of_all_parts_are_stored_before_the_first_is_made(rig: Rig, world: World) -> None:
    seen: list[Object] = []

    def at_creation(request: Request) -> Action | None:
        if rds.form_of(request).get("Action", "").startswith("Create"):
            found = world.get("ssvc", "early", STAGE)
            assert found is not None
            seen.append(found["status"]["ids"])
        return None

    rig.rds.first = at_creation
    world.apply(service(STAGE, "early"))
    world.wait("ssvc", "early", STAGE)
    rig.rds.first = None
    name = rig.name(STAGE, "early")
    assert len(seen) >= 4
    for ids in seen:
        assert ids["instance"] == ids["securityGroup"] == ids["subnetGroup"] == name
        assert ids["parameterGroup16"].startswith("setops-pg16-dbaws-live-early-")


def test_a_service_of_an_earlier_version_gets_its_ids_at_the_first_look(
    rig: Rig, world: World
) -> None:
    name = rig.ready(STAGE, "known")
    before = rig.owner.instance(name)

    def ids() -> Object:
        found = world.get("ssvc", "known", STAGE) or {}
        known: Object = found.get("status", {}).get("ids", {})
        return known

    there = ids()
    note(world, "known", {"ids": None})
    world.until(lambda: ids() == there, "the ids again")
    assert there["instance"] == name
    assert rig.owner.instance(name) == before


def test_what_has_another_name_than_the_rule_makes_is_found_by_its_stored_ids(
    rig: Rig, world: World
) -> None:
    """So that the rule can change. A Service is paused here while it is given such a status."""
    older = "setops-as-it-was-called-once"
    manifest = service(STAGE, "older", kind="s3", deletionPolicy="Delete")
    paused = {"annotations": {"setops.co/paused": "true"}}
    world.apply({**manifest, "metadata": {**manifest["metadata"], **paused}})
    note(world, "older", {"ids": {"bucket": older, "user": older}})
    world.patch("ssvc", "older", STAGE, {"metadata": {"annotations": {"setops.co/paused": None}}})
    found = world.wait("ssvc", "older", STAGE)
    assert found["status"]["ids"] == {"bucket": older, "user": older}
    assert rig.secret(STAGE, "older")["bucket"] == older
    assert older in rig.root.buckets()
    assert rig.name(STAGE, "older") not in (*rig.root.buckets(), *rig.root.users())
    world.delete("ssvc", "older", namespace=STAGE)
    world.gone("ssvc", "older", STAGE)
    assert older not in (*rig.root.buckets(), *rig.root.users())


def test_what_was_refused_since_can_still_be_deleted(rig: Rig, world: World) -> None:
    database = rig.ready(STAGE, "strange")
    world.apply(service(STAGE, "odd", kind="s3", deletionPolicy="Delete"))
    world.wait("ssvc", "odd", STAGE)
    bucket = rig.name(STAGE, "odd")
    world.apply(
        service(STAGE, "strange", version="99"),
        service(STAGE, "odd", kind="s3", deletionPolicy="Delete", options={"minStorage": 30}),
    )
    rig.says(STAGE, "strange", "ValidationFailed", "no version '99'", "Stalled")
    rig.says(STAGE, "odd", "ValidationFailed", "no option 'minStorage'", "Stalled")
    world.delete("ssvc", "strange", "odd", namespace=STAGE)
    world.gone("ssvc", "strange", STAGE)
    world.gone("ssvc", "odd", STAGE)
    assert bucket not in (*rig.root.buckets(), *rig.root.users())
    assert set(rig.owner.holdings(database).values()) == {0, 1}, "a snapshot alone is left"
    assert rig.snapshots(STAGE, "strange")
