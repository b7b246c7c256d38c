"""The product postgresql against an emulator: made, changed, drifted, released, deleted, killed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError
from mypy_boto3_ec2 import EC2Client
from mypy_boto3_rds import RDSClient

from setops.api.service_type import DeletionPolicy
from setops.aws.clients import Clients
from setops.aws.decide import (
    Action,
    Create,
    Delete,
    Done,
    Failed,
    Foreign,
    IssueCredentials,
    Refuse,
    Relinquish,
    Update,
    Wait,
    decide_keeping,
)
from setops.aws.errors import ConflictError, RetryError, StalledError, WaitError
from setops.aws.identity import Identity
from setops.aws.naming import resource_name
from setops.aws.observation import Presence
from setops.aws.target import Account, Placement, Target
from tests.cluster.aws import emulator
from tests.cluster.aws.story import Faults, KilledError, Operator, hooked, recorded
from tests.cluster.witness import Witness

_names = itertools.count()


def take_instance(rds: RDSClient, name: str) -> None:
    """Make somebody else's database of this name."""
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="me",
        MasterUserPassword="of mine alone",
    )


class Owner:
    """The account as its owner sees it: databases and their network."""

    def __init__(self, account: Account) -> None:
        how: Any = {
            "region_name": account.region,
            "endpoint_url": account.endpoint_url,
            **emulator.credentials(account.account_id),
        }
        self.rds: RDSClient = boto3.client("rds", **how)
        self.ec2: EC2Client = boto3.client("ec2", **how)
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            self.ec2.create_subnet(
                VpcId=vpc,
                CidrBlock=f"10.0.{number}.0/24",
                AvailabilityZone=f"{account.region}{zone}",
            )["Subnet"]["SubnetId"]
            for number, zone in enumerate("ab")
        ]
        nodes = self.ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)[
            "GroupId"
        ]
        self.placement = Placement(vpc, tuple(subnets), (nodes,))

    def instance(self, name: str) -> Any:
        return self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    def holdings(self, name: str) -> dict[str, int]:
        """How many of each kind have a Service's name, or one that is made of it."""
        tail = name.removeprefix("setops-")
        found = {
            "instances": [
                each["DBInstanceIdentifier"]
                for each in self.rds.describe_db_instances()["DBInstances"]
            ],
            "subnetGroups": [
                each["DBSubnetGroupName"]
                for each in self.rds.describe_db_subnet_groups()["DBSubnetGroups"]
            ],
            "parameterGroups": [
                each["DBParameterGroupName"]
                for each in self.rds.describe_db_parameter_groups()["DBParameterGroups"]
            ],
            "securityGroups": [
                each["GroupName"] for each in self.ec2.describe_security_groups()["SecurityGroups"]
            ],
            "snapshots": [
                each["DBSnapshotIdentifier"]
                for each in self.rds.describe_db_snapshots()["DBSnapshots"]
            ],
        }
        return {kind: sum(tail in each for each in names) for kind, names in found.items()}

    def group(self, name: str) -> Any:
        groups = self.ec2.describe_security_groups(
            Filters=[{"Name": "group-name", "Values": [name]}]
        )["SecurityGroups"]
        assert len(groups) == 1
        return groups[0]


NOTHING: Final = dict.fromkeys(
    ("instances", "subnetGroups", "parameterGroups", "securityGroups", "snapshots"), 0
)
MADE: Final = {**dict.fromkeys(NOTHING, 1), "snapshots": 0}


@pytest.fixture(scope="module")
def owner(account: Account) -> Owner:
    return Owner(account)


@pytest.fixture
def database(clients: Clients, account: Account, owner: Owner) -> Operator:
    """An operator with a database that nobody has seen before, deleted by policy Snapshot."""
    return make(clients, account, owner)


def make(clients: Clients, account: Account, owner: Owner) -> Operator:
    identity = Identity.of_service("acme", "shop", "live", f"db{next(_names)}")
    return Operator(
        clients,
        Target(
            account,
            identity,
            "postgresql",
            version="15",
            plan="db.t3.small",
            deletion_policy=DeletionPolicy.SNAPSHOT,
            placement=owner.placement,
            uid="1a2b3c4d",
        ),
    )


def name_of(operator: Operator) -> str:
    return operator.ids()["instance"]


def wish(operator: Operator, **changes: Any) -> None:
    operator.target = replace(operator.target, **changes)


def upcoming(operator: Operator) -> Action:
    return decide_keeping(operator.observe())


def password_of(owner: Owner, name: str) -> str:
    """A hash of the password that the instance has, by the tag that tells it."""
    tags: dict[str, str] = {tag["Key"]: tag["Value"] for tag in owner.instance(name)["TagList"]}
    return tags["setops:credentials"]


def test_a_service_becomes_an_encrypted_private_instance_that_only_the_nodes_reach(
    database: Operator, owner: Owner
) -> None:
    actions = database.create()
    # Protection comes last, when there is something to protect.
    assert [type(each) for each in actions] == [IssueCredentials, Create, Update, Done]

    name = name_of(database)
    found = owner.instance(name)
    expected = {
        "Engine": "postgres",
        "EngineVersion": "15",
        "DBInstanceClass": "db.t3.small",
        "MultiAZ": False,
        "AllocatedStorage": 20,
        "StorageType": "gp3",
        "StorageEncrypted": True,
        "PubliclyAccessible": False,
        "DeletionProtection": True,
        "CopyTagsToSnapshot": True,
        "BackupRetentionPeriod": 7,
        "DBName": "app",
        "MasterUsername": "app",
    }
    assert {key: found[key] for key in expected} == expected
    assert "MaxAllocatedStorage" not in found
    tags = {tag["Key"]: tag["Value"] for tag in found["TagList"]}
    assert database.target.identity.tags().items() <= tags.items()
    assert database.secret["password"] not in str(found)
    assert found["DBSubnetGroup"]["DBSubnetGroupName"] == name
    parameters = found["DBParameterGroups"][0]["DBParameterGroupName"]
    values = owner.rds.describe_db_parameters(DBParameterGroupName=parameters)["Parameters"]
    forced = {each["ParameterName"]: each.get("ParameterValue") for each in values}
    assert forced["rds.force_ssl"] == "1"

    group = owner.group(name)
    assert [each["VpcSecurityGroupId"] for each in found["VpcSecurityGroups"]] == [group["GroupId"]]
    (permission,) = group["IpPermissions"]
    assert (permission["FromPort"], permission["ToPort"]) == (5432, 5432)
    assert [pair["GroupId"] for pair in permission["UserIdGroupPairs"]] == list(
        owner.placement.security_group_ids
    )
    assert not permission.get("IpRanges")
    assert owner.holdings(name) == MADE
    for arn in (
        found["DBSubnetGroup"]["DBSubnetGroupArn"],
        owner.rds.describe_db_parameter_groups(DBParameterGroupName=parameters)[
            "DBParameterGroups"
        ][0]["DBParameterGroupArn"],
    ):
        listed = owner.rds.list_tags_for_resource(ResourceName=arn)["TagList"]
        held = {tag["Key"]: tag["Value"] for tag in listed}
        assert database.target.identity.tags().items() <= held.items()


def test_the_link_is_a_url_of_the_platforms_form(database: Operator, owner: Owner) -> None:
    database.create()
    observation = database.observe()
    assert observation.ready
    secret = database.connection()
    url = urlsplit(secret["url"])
    endpoint = owner.instance(name_of(database))["Endpoint"]
    assert (url.scheme, url.username, url.path) == ("postgresql", "app", "/app")
    assert url.password == secret["password"] == database.secret["password"]
    assert (url.hostname, url.port) == (endpoint["Address"], endpoint["Port"])
    assert not url.query


def test_what_can_change_in_place_does(database: Operator, owner: Owner) -> None:
    database.create()
    wish(
        database,
        plan="db.m5.large.ha",
        version="16",
        options={"minStorage": 50, "maxStorage": 100},
        backup_retention_days=14,
    )
    actions = database.create()
    assert [type(each) for each in actions] == [Update, Update, Done]
    found = owner.instance(name_of(database))
    expected = {
        "DBInstanceClass": "db.m5.large",
        "MultiAZ": True,
        "EngineVersion": "16",
        "AllocatedStorage": 50,
        "MaxAllocatedStorage": 100,
        "BackupRetentionPeriod": 14,
    }
    assert {key: found[key] for key in expected} == expected
    assert "pg16" in found["DBParameterGroups"][0]["DBParameterGroupName"]
    assert owner.holdings(name_of(database)) == MADE, "that of the older version is gone"
    wish(database, plan="db.m5.large", options={"minStorage": 50})
    assert [type(each) for each in database.create()] == [Update, Done]
    assert "MaxAllocatedStorage" not in owner.instance(name_of(database))


def test_storage_that_has_grown_is_as_wanted_and_a_version_does_not_go_back(
    database: Operator, owner: Owner
) -> None:
    database.create()
    owner.rds.modify_db_instance(
        DBInstanceIdentifier=name_of(database), AllocatedStorage=80, ApplyImmediately=True
    )
    assert database.create() == [Done()]
    wish(database, version="14")
    (refused,) = database.create()
    assert isinstance(refused, Refuse)
    assert "can't go back" in refused.differences[0].refusal
    assert owner.instance(name_of(database))["EngineVersion"] == "15"


@contextmanager
def answering(
    operator: Operator, operation: str, answer: Callable[[Any], dict[str, Any] | None]
) -> Iterator[list[dict[str, Any]]]:
    """Answers calls of an operation as real RDS does, or lets them pass; their bodies."""
    bodies: list[dict[str, Any]] = []

    def respond(model: Any, params: Any, **_: object) -> Any:
        if model.name != operation:
            return None
        bodies.append(params["body"])
        parsed = answer(params["body"])
        if parsed is None:
            return None
        return SimpleNamespace(status_code=400 if "Error" in parsed else 200), parsed

    with hooked(operator.clients, operator.target.account, "before-call", respond):
        yield bodies


def refused(code: str, message: str) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": message}}


RESTING: Final = refused(
    "InvalidParameterCombination",
    "You can't currently modify the storage of this DB instance because the previous storage "
    "change is being optimized.",
)


def test_storage_that_rests_from_its_last_change_holds_up_nothing_else(
    database: Operator, owner: Owner
) -> None:
    """AWS refuses the whole call, by a code that otherwise only a user can clear."""
    database.create()
    name = name_of(database)
    wish(database, plan="db.m5.large", options={"minStorage": 40, "maxStorage": 80})
    resting = lambda body: RESTING if "AllocatedStorage" in body else None  # noqa: E731
    with answering(database, "ModifyDBInstance", resting):
        with pytest.raises(WaitError, match="one storage change in six hours") as caught:
            database.create()
        assert caught.value.retry_after == 300
        found = owner.instance(name)
        assert (found["DBInstanceClass"], found["AllocatedStorage"]) == ("db.m5.large", 20)
    assert [type(each) for each in database.create()] == [Update, Done]
    found = owner.instance(name)
    assert (found["AllocatedStorage"], found["MaxAllocatedStorage"]) == (40, 80)


def test_all_but_the_storage_changes_while_that_is_being_optimized(
    database: Operator, owner: Owner
) -> None:
    database.create()
    wish(database, plan="db.m5.large", options={"minStorage": 40})
    with state_of(database, DBInstanceStatus="storage-optimization"):
        actions = database.create()
    assert [type(each) for each in actions] == [Update, Wait]
    assert actions[-1] == Wait("storage-optimization; its storage can be changed again after that")
    found = owner.instance(name_of(database))
    assert (found["DBInstanceClass"], found["AllocatedStorage"]) == ("db.m5.large", 20)
    assert [type(each) for each in database.create()] == [Update, Done]


@contextmanager
def state_of(operator: Operator, **shown: Any) -> Iterator[None]:
    """Lets the instance show what the emulator doesn't."""

    def show(parsed: Any, **_: object) -> None:
        for each in parsed.get("DBInstances", ()):
            if each["DBInstanceIdentifier"] == name_of(operator):
                each.update(shown)

    with hooked(operator.clients, operator.target.account, "after-call", show):
        yield


def test_a_change_that_is_pending_is_waited_for_and_not_repeated(
    database: Operator,
) -> None:
    database.create()
    wish(database, plan="db.m5.large.ha", version="16", options={"minStorage": 40})
    pending = {
        "DBInstanceClass": "db.m5.large",
        "MultiAZ": True,
        "AllocatedStorage": 40,
        "EngineVersion": "16.9",
        "MasterUserPassword": "****",
    }
    group = [
        {
            "DBParameterGroupName": parameter_group(database, "16"),
            "ParameterApplyStatus": "pending-database-upgrade",
        }
    ]
    database.composite().update(database.observe(), set())
    still = {"DBInstanceClass": "db.t3.small", "MultiAZ": False, "EngineVersion": "15"}
    shown = {**still, "AllocatedStorage": 20, "DBParameterGroups": group}
    for status in ("available", "storage-optimization", "backing-up", "modifying", "upgrading"):
        with (
            state_of(database, **shown, DBInstanceStatus=status, PendingModifiedValues=pending),
            recorded_all(database) as calls,
        ):
            (waits,) = database.create()
            assert database.observe().main.state == status
        told = "" if status in ("modifying", "upgrading") else ", a change is pending"
        assert waits == Wait(f"{status}{told}")
        assert "ModifyDBInstance" not in calls
    assert database.create()[-1] == Done()


def parameter_group(operator: Operator, major: str) -> str:
    return resource_name(operator.target.identity, 63, prefix=f"setops-pg{major}")


def test_a_version_is_one_to_which_aws_leads_from_here(database: Operator, owner: Owner) -> None:
    """With `16` alone AWS would take its default, and refuse that when it is too old."""
    database.create()
    wish(database, version="16")
    targets = ["15.14", "16.9", "16.10", "17.6"]

    def described(_: Any) -> dict[str, Any]:
        known = [{"EngineVersion": each} for each in targets]
        return {"DBEngineVersions": [{"EngineVersion": "15", "ValidUpgradeTarget": known}]}

    with (
        answering(database, "DescribeDBEngineVersions", described),
        answering(database, "ModifyDBInstance", lambda _: None) as bodies,
    ):
        database.create()
    assert (bodies[0]["EngineVersion"], bodies[0]["AllowMajorVersionUpgrade"]) == ("16.10", "true")
    assert owner.instance(name_of(database))["EngineVersion"] == "16.10"


def leads_to(*versions: str) -> dict[str, Any]:
    """How AWS describes a version from which it leads to these."""
    known = [{"EngineVersion": each} for each in versions]
    return {"DBEngineVersions": [{"EngineVersion": "from", "ValidUpgradeTarget": known}]}


REACHED: Final = {
    "two steps": (
        "13",
        "16",
        leads_to("14.18", "14.19", "15.14", "15.9"),
        "AWS doesn't upgrade PostgreSQL 13 to 16 in one step; set version to one of 14.19, 15.14",
    ),
    "more than the catalogue has": (
        "14",
        "15.1",
        leads_to("14.19", "15.13", "15.14", "16.10", "17.6", "18.1"),
        "AWS doesn't upgrade PostgreSQL 14 to 15.1 in one step; set version to one of 14.19, 15.14",
    ),
    "one that isn't": (
        "15",
        "16.99",
        leads_to("15.14", "16.9", "16.10", "17.6"),
        "AWS has no PostgreSQL 16.99; set version to one of 15.14, 16.10",
    ),
    "one that isn't, from the newest": (
        "16",
        "16.99",
        leads_to("17.6"),
        "AWS has no PostgreSQL 16.99; set version to 16",
    ),
}


@pytest.mark.parametrize(("there", "wanted", "known", "told"), REACHED.values(), ids=REACHED)
def test_a_version_that_cannot_be_reached_names_those_that_can(
    database: Operator, owner: Owner, there: str, wanted: str, known: dict[str, Any], told: str
) -> None:
    wish(database, version=there)
    database.create()
    wish(database, version=wanted)

    def describe(body: Any) -> dict[str, Any]:
        return {"DBEngineVersions": []} if body["EngineVersion"] == "16.99" else known

    with (
        answering(database, "DescribeDBEngineVersions", describe) as bodies,
        pytest.raises(StalledError) as caught,
    ):
        database.create()
    assert caught.value.message == told
    # Without it AWS keeps silent on a version that it no longer offers.
    assert {each["IncludeAll"] for each in bodies} == {"true"}
    assert owner.instance(name_of(database))["EngineVersion"] == there


def test_a_version_that_cannot_be_had_holds_up_nothing_else(
    database: Operator, owner: Owner
) -> None:
    database.create()
    name = name_of(database)
    owner.rds.modify_db_instance(
        DBInstanceIdentifier=name, PubliclyAccessible=True, DeletionProtection=False
    )
    wish(database, version="16", plan="db.m5.large")
    with (
        answering(database, "DescribeDBEngineVersions", lambda _: leads_to("15.14")),
        pytest.raises(StalledError, match="in one step"),
    ):
        database.create()
    found = owner.instance(name)
    assert not found["PubliclyAccessible"]
    assert found["DeletionProtection"]
    assert (found["DBInstanceClass"], found["EngineVersion"]) == ("db.m5.large", "15")


def test_an_upgrade_that_aws_refuses_holds_up_nothing_else(
    database: Operator, owner: Owner
) -> None:
    database.create()
    name = name_of(database)
    owner.rds.modify_db_instance(DBInstanceIdentifier=name, PubliclyAccessible=True)
    wish(database, version="16")
    no = refused("DBUpgradeDependencyFailure", "as the test wants it")
    with (
        answering(
            database, "ModifyDBInstance", lambda body: no if "EngineVersion" in body else None
        ),
        pytest.raises(StalledError, match="as the test wants it"),
    ):
        database.create()
    assert not owner.instance(name)["PubliclyAccessible"]


def test_an_upgrade_that_aws_gives_up_is_asked_again_after_an_hour(
    database: Operator, owner: Owner
) -> None:
    """AWS takes it, tries, and falls back; the database may be away each time."""
    database.create()
    name = name_of(database)
    wish(database, version="16", plan="db.m5.large")
    given_up = {
        "EngineVersion": "15",
        "DBParameterGroups": [
            {
                "DBParameterGroupName": parameter_group(database, "15"),
                "ParameterApplyStatus": "in-sync",
            }
        ],
    }

    def asked(ago: timedelta) -> None:
        arn = owner.instance(name)["DBInstanceArn"]
        at = (datetime.now(UTC) - ago).isoformat(timespec="seconds")
        owner.rds.add_tags_to_resource(
            ResourceName=arn, Tags=[{"Key": "setops:upgrade", "Value": f"16 from 15 at {at}"}]
        )

    with (
        state_of(database, **given_up),
        answering(database, "ModifyDBInstance", lambda _: None) as bodies,
    ):
        assert [type(each) for each in database.create()] == [Update, Update, Wait]
        assert [each.get("EngineVersion") for each in bodies] == ["16", None]
        waiting = upcoming(database)
        assert isinstance(waiting, Wait)
        assert re.fullmatch(
            r"AWS was asked for version 16 at \d\d:\d\d UTC, and has yet to begin", waiting.reason
        )

        asked(timedelta(minutes=30))
        refusing = upcoming(database)
        assert isinstance(refusing, Refuse)
        assert [each.path for each in refusing.differences] == ["instance.version"]
        assert "has given that up; the instance's events" in refusing.differences[0].refusal
        assert len(bodies) == 2

        asked(timedelta(minutes=61))
        assert isinstance(upcoming(database), Update)

        # Whoever takes the wish back, may have it anew at once.
        asked(timedelta(minutes=30))
        wish(database, version="15")
        assert [type(each) for each in database.create()] == [Update, Done]
        wish(database, version="16")
        assert isinstance(upcoming(database), Update)
        assert len(bodies) == 2


GIVEN_UP: Final = {
    "Extended Support": ("13.22-rds.20260224", "14", "14.19", leads_to("14.18", "14.19")),
    "a minor version beyond Extended Support": (
        "13.22-rds.20260224",
        "13.23",
        "13.23-rds.20260224",
        leads_to("13.22-rds.20260514", "13.23", "13.23-rds.20260224", "14.19"),
    ),
    "from one release of Extended Support to the next": (
        "13.21",
        "13.22",
        "13.22-rds.20260514",
        leads_to("13.22", "13.22-rds.20260224", "13.22-rds.20260514"),
    ),
    "in upper case": (
        "11.22-RDS.20241121",
        "13",
        "13.22-RDS.20260224",
        leads_to("13.9", "13.22", "13.22-RDS.20260224"),
    ),
}
"""The version that is there, the wish, what is asked for, and what AWS describes."""


@pytest.mark.parametrize(("there", "wanted", "asked", "known"), GIVEN_UP.values(), ids=GIVEN_UP)
def test_an_upgrade_that_aws_gives_up_is_asked_for_once_whatever_its_name(
    database: Operator, there: str, wanted: str, asked: str, known: dict[str, Any]
) -> None:
    """Each look is that of an operator that was just started, so the tag alone remembers."""
    database.create()
    wish(database, version=wanted)
    with (
        state_of(database, EngineVersion=there),
        answering(database, "DescribeDBEngineVersions", lambda _: known),
        answering(database, "ModifyDBInstance", lambda _: {}) as bodies,
    ):
        for _ in range(5):
            assert isinstance(database.create()[-1], Wait)
    assert [each["EngineVersion"] for each in bodies if "EngineVersion" in each] == [asked]


def test_an_upgrade_that_could_not_be_noted_is_not_asked_for(database: Operator) -> None:
    database.create()
    wish(database, version="16")
    no = refused("AccessDenied", "as the test wants it")
    with (
        answering(database, "AddTagsToResource", lambda _: no),
        answering(database, "ModifyDBInstance", lambda _: {}) as bodies,
    ):
        for _ in range(3):
            with pytest.raises(StalledError, match="as the test wants it"):
                database.create()
    assert not [each for each in bodies if "EngineVersion" in each]


def test_a_password_that_could_not_be_noted_is_not_changed(database: Operator) -> None:
    database.create()
    database.secret = {}
    no = refused("AccessDenied", "as the test wants it")
    with (
        answering(database, "AddTagsToResource", lambda _: no),
        answering(database, "ModifyDBInstance", lambda _: {}) as bodies,
    ):
        for _ in range(3):
            with pytest.raises(StalledError, match="as the test wants it"):
                database.create()
        wish(database, deletion_policy=DeletionPolicy.RETAIN)
        for _ in range(3):
            with pytest.raises(StalledError, match="as the test wants it"):
                database.delete()
    assert not bodies


def test_the_class_comes_after_the_version(database: Operator) -> None:
    """Both at once AWS takes only if the class supports the version that is there."""
    database.create()
    wish(database, version="16", plan="db.m5.large")
    with answering(database, "ModifyDBInstance", lambda _: None) as bodies:
        assert [type(each) for each in database.create()] == [Update, Update, Done]
    sent = [(each.get("EngineVersion"), each.get("DBInstanceClass")) for each in bodies]
    assert sent == [("16", None), (None, "db.m5.large")]


def test_the_class_comes_first_where_the_new_version_needs_it(database: Operator) -> None:
    database.create()
    wish(database, version="16", plan="db.m5.large")
    no = refused("InvalidParameterCombination", "PostgreSQL 16 isn't supported on db.t3.small")

    def answer(body: Any) -> dict[str, Any] | None:
        old = not any("DBInstanceClass" in each for each in bodies)
        return no if "EngineVersion" in body and old else None

    with answering(database, "ModifyDBInstance", answer) as bodies:
        assert [type(each) for each in database.create()] == [Update, Update, Update, Done]
    sent = [(each.get("EngineVersion"), each.get("DBInstanceClass")) for each in bodies]
    assert sent == [("16", None), (None, "db.m5.large"), ("16", None)]


def test_storage_that_cannot_grow_yet_does_not_ask_for_its_limit_again_and_again(
    database: Operator, owner: Owner
) -> None:
    wish(database, options={"minStorage": 100, "maxStorage": 150})
    database.create()
    wish(database, options={"minStorage": 200})
    with (
        state_of(database, DBInstanceStatus="storage-optimization"),
        answering(database, "ModifyDBInstance", lambda _: None) as bodies,
    ):
        assert [type(each) for each in database.create()] == [Wait]
    assert not bodies
    assert [type(each) for each in database.create()] == [Update, Done]
    found = owner.instance(name_of(database))
    assert (found["AllocatedStorage"], found.get("MaxAllocatedStorage")) == (200, None)


GROWTH: Final = {
    "a little": ((50, None), (51, None), {"AllocatedStorage": "55"}),
    "a little, into more operations": (
        (370, None),
        (380, None),
        {"AllocatedStorage": "407", "Iops": "12000"},
    ),
    "so that no room is left": (
        (100, 150),
        (105, 116),
        {"AllocatedStorage": "110", "MaxAllocatedStorage": "110"},
    ),
    "so that just enough room is left": (
        (20, None),
        (50, 55),
        {"AllocatedStorage": "50", "MaxAllocatedStorage": "55"},
    ),
}
"""What there is, what is wished, each with the limit, and what AWS is asked for."""


@pytest.mark.parametrize(("before", "after", "asked"), GROWTH.values(), ids=GROWTH)
def test_storage_grows_by_a_tenth_at_least(
    database: Operator,
    before: tuple[int, int | None],
    after: tuple[int, int | None],
    asked: dict[str, str],
) -> None:
    """AWS rounds up what is less, and judges the rest of the call by what comes of it."""
    wish(database, options=sizes(*before))
    database.create()
    wish(database, options=sizes(*after))
    with answering(database, "ModifyDBInstance", lambda _: None) as bodies:
        assert [type(each) for each in database.create()] == [Update, Done]
    (body,) = bodies
    keys = ("AllocatedStorage", "MaxAllocatedStorage", "Iops")
    assert {key: str(body[key]) for key in keys if key in body} == asked


def sizes(low: int, high: int | None) -> dict[str, Any]:
    return {"minStorage": low} | ({"maxStorage": high} if high else {})


AWAY: Final = {
    "the class": ({"DBInstanceClass": "db.r5.large"}, {"DBInstanceClass": "db.t3.small"}),
    "the standby": ({"MultiAZ": True}, {"MultiAZ": "false"}),
    "the version": ({"EngineVersion": "16.9"}, {"EngineVersion": "15"}),
}


@pytest.mark.parametrize(("pending", "asked"), AWAY.values(), ids=AWAY)
def test_a_pending_change_that_leads_away_is_called_off(
    database: Operator, pending: dict[str, Any], asked: dict[str, str]
) -> None:
    """Somebody has scheduled it for the next maintenance window, a week ahead at most."""
    database.create()
    with (
        state_of(database, PendingModifiedValues=pending),
        answering(database, "ModifyDBInstance", lambda _: None) as bodies,
    ):
        seen = database.observe()
        assert seen.ready
        assert isinstance(decide_keeping(seen), Update)
        database.composite().update(seen, set())
    (body,) = bodies
    assert asked.items() <= body.items()
    assert "DBParameterGroupName" not in body
    assert database.create() == [Done()]


def test_an_upgrade_that_was_rolled_back_stays_and_is_told(
    database: Operator, owner: Owner
) -> None:
    database.create()
    wish(database, version="16")
    database.create()
    wish(database, version="15", version_ceiling="16", plan="db.m5.large")
    assert [type(each) for each in database.create()] == [Update, Done]
    found = owner.instance(name_of(database))
    assert (found["EngineVersion"], found["DBInstanceClass"]) == ("16", "db.m5.large")
    assert found["DBParameterGroups"][0]["DBParameterGroupName"] == parameter_group(database, "16")
    observation = database.observe()
    assert observation.ready
    assert "PostgreSQL can't go back to 15; set version to 16" in observation.main.note
    wish(database, version="16")
    assert database.create() == [Done()]
    assert not database.observe().main.note


@pytest.mark.parametrize(("size", "iops"), [(399, None), (400, 12000)])
def test_much_storage_comes_with_the_operations_that_aws_wants_named(
    database: Operator, size: int, iops: int | None
) -> None:
    database.create()
    wish(database, options={"minStorage": size})
    with answering(database, "ModifyDBInstance", lambda _: None) as bodies:
        database.create()
    assert [each.get("Iops") for each in bodies] == [iops]


@pytest.mark.parametrize(
    ("kind", "method"), [("static", "pending-reboot"), ("dynamic", "immediate")]
)
def test_a_parameter_is_set_in_the_way_that_aws_allows_for_it(
    database: Operator, kind: str, method: str
) -> None:
    """`rds.force_ssl` is static up to version 14, where AWS refuses to apply it immediately."""

    def tell(parsed: Any, **_: object) -> None:
        if "Parameters" in parsed:
            found = {each["ParameterName"]: each for each in parsed["Parameters"]}
            found.setdefault("rds.force_ssl", {"ParameterName": "rds.force_ssl"})
            found["rds.force_ssl"]["ApplyType"] = kind
            parsed["Parameters"] = list(found.values())

    with (
        hooked(database.clients, database.target.account, "after-call", tell),
        answering(database, "ModifyDBParameterGroup", lambda _: None) as bodies,
    ):
        assert database.create()[-1] == Done()
        wish(database, plan="db.m5.large")
        assert database.create()[-1] == Done()
    (body,) = bodies  # and only where it differs
    assert [value for key, value in body.items() if key.endswith("ApplyMethod")] == [method]


def test_a_parameter_group_that_waits_for_a_reboot_is_told(
    database: Operator, owner: Owner
) -> None:
    database.create()
    owner.rds.create_db_parameter_group(
        DBParameterGroupName="theirs", DBParameterGroupFamily="postgres15", Description="-"
    )
    name = name_of(database)
    owner.rds.modify_db_instance(
        DBInstanceIdentifier=name, DBParameterGroupName="theirs", ApplyImmediately=True
    )
    assert [type(each) for each in database.create()] == [Update, Done]
    waiting = {
        "DBParameterGroupName": parameter_group(database, "15"),
        "ParameterApplyStatus": "pending-reboot",
    }
    with state_of(database, DBParameterGroups=[waiting]):
        assert database.create() == [Done()]
        assert "takes effect with its next reboot" in database.observe().main.note
    owner.rds.delete_db_parameter_group(DBParameterGroupName="theirs")


DRIFT: Final = {
    "the class": {"DBInstanceClass": "db.r5.large"},
    "the protection": {"DeletionProtection": False},
    "the backups": {"BackupRetentionPeriod": 1},
    "the public address": {"PubliclyAccessible": True},
    "the standby": {"MultiAZ": True},
}


@pytest.mark.parametrize("drift", DRIFT.values(), ids=DRIFT)
def test_drift_of_the_instance_is_put_right(
    database: Operator, owner: Owner, drift: dict[str, Any]
) -> None:
    database.create()
    name = name_of(database)
    (key,) = drift
    before = owner.instance(name)[key]
    owner.rds.modify_db_instance(DBInstanceIdentifier=name, ApplyImmediately=True, **drift)
    assert [type(each) for each in database.create()] == [Update, Done]
    assert owner.instance(name)[key] == before


def test_drift_of_what_surrounds_the_instance_is_put_right(
    database: Operator, owner: Owner
) -> None:
    database.create()
    name = name_of(database)
    group = owner.group(name)["GroupId"]
    owner.ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=5432, ToPort=5432, CidrIp="0.0.0.0/0"
    )
    assert [type(each) for each in database.create()] == [Update, Done]
    assert not owner.group(name)["IpPermissions"][0].get("IpRanges")

    parameters = owner.instance(name)["DBParameterGroups"][0]["DBParameterGroupName"]
    owner.rds.modify_db_parameter_group(
        DBParameterGroupName=parameters,
        Parameters=[
            {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
        ],
    )
    assert [type(each) for each in database.create()] == [Update, Done]

    other = owner.ec2.create_security_group(
        GroupName=f"other-{name}", Description="-", VpcId=owner.placement.vpc_id
    )["GroupId"]
    owner.rds.modify_db_instance(
        DBInstanceIdentifier=name, VpcSecurityGroupIds=[other], ApplyImmediately=True
    )
    assert [type(each) for each in database.create()] == [Update, Done]
    attached = owner.instance(name)["VpcSecurityGroups"]
    assert [each["VpcSecurityGroupId"] for each in attached] == [group]
    owner.ec2.delete_security_group(GroupId=other)


def test_who_may_reach_it_follows_the_organization(database: Operator, owner: Owner) -> None:
    database.create()
    more = owner.ec2.create_security_group(
        GroupName=f"more-{name_of(database)}", Description="-", VpcId=owner.placement.vpc_id
    )["GroupId"]
    wish(database, placement=replace(owner.placement, security_group_ids=(more,)))
    assert [type(each) for each in database.create()] == [Update, Done]
    (permission,) = owner.group(name_of(database))["IpPermissions"]
    assert [pair["GroupId"] for pair in permission["UserIdGroupPairs"]] == [more]


def test_a_lost_secret_gets_a_new_password_and_the_database_too(
    database: Operator, owner: Owner
) -> None:
    database.create()
    name = name_of(database)
    before, told = database.secret["password"], password_of(owner, name)
    database.secret = {}
    assert [type(each) for each in database.create()] == [IssueCredentials, Update, Done]
    assert database.secret["password"] != before
    assert password_of(owner, name) != told
    assert database.observe().credentials_valid


def test_a_password_that_aws_would_refuse_is_replaced_as_a_lost_one_is(
    database: Operator, owner: Owner
) -> None:
    database.create()
    name, entries = name_of(database), {*database.secret}
    for edited in (
        "",
        "short",
        "with a space in it",
        "new line at the end\n",
        "pässwörter",
        "a" * 129,
    ):
        told = password_of(owner, name)
        database.secret = {**database.secret, "password": edited, "url": "x"}
        assert [type(each) for each in database.create()] == [IssueCredentials, Update, Done]
        assert password_of(owner, name) != told
        assert {*database.secret} == entries
        assert database.secret["url"].split(":")[2].startswith(database.secret["password"])


def test_a_password_that_somebody_has_chosen_is_set_at_aws(database: Operator) -> None:
    database.create()
    database.secret = {**database.secret, "password": "chosen#by-hand:1"}
    assert [type(each) for each in database.create()] == [Update, Done]
    assert database.secret["password"] == "chosen#by-hand:1"
    assert "chosen%23by-hand%3A1" in database.secret["url"]


def test_deleting_keeps_a_final_snapshot_whose_name_is_of_this_life(
    database: Operator, owner: Owner
) -> None:
    name = name_of(database)
    for uid in ("1a2b3c4d", "5e6f7a8b"):
        wish(database, uid=uid)
        database.secret = {}
        database.create()
        actions = database.delete()
        assert [type(each) for each in actions] == [Delete, Delete, Done]
        assert owner.holdings(name)["instances"] == 0
    snapshots = [
        each["DBSnapshotIdentifier"]
        for each in owner.rds.describe_db_snapshots()["DBSnapshots"]
        if each["DBInstanceIdentifier"] == name
    ]
    assert len(snapshots) == 2
    assert {each[-8:] for each in snapshots} == {"1a2b3c4d", "5e6f7a8b"}
    assert all(len(each) <= 63 for each in snapshots)


def test_policy_delete_leaves_nothing_at_all(
    database: Operator, owner: Owner, witness: Witness
) -> None:
    wish(database, deletion_policy=DeletionPolicy.DELETE)
    database.create()
    database.delete()
    assert owner.holdings(name_of(database)) == NOTHING
    assert name_of(database) in witness.seen


def test_retain_keeps_the_database_and_locks_everybody_out_until_it_is_taken_up_again(
    database: Operator, owner: Owner
) -> None:
    wish(database, deletion_policy=DeletionPolicy.RETAIN)
    database.create()
    name = name_of(database)
    assert database.delete() == [Relinquish(), Done()]
    assert owner.holdings(name) == MADE
    assert password_of(owner, name) == "released"
    assert owner.instance(name)["DeletionProtection"]
    with pytest.raises(StalledError):
        database.composite().delete()
    database.secret = {}
    wish(database, uid="5e6f7a8b")
    assert [type(each) for each in database.create()] == [IssueCredentials, Update, Done]
    assert database.observe().credentials_valid


def test_what_has_our_name_and_not_our_tags_is_never_touched(
    database: Operator, owner: Owner
) -> None:
    name = name_of(database)
    take_instance(owner.rds, name)
    before = owner.instance(name)
    assert database.create() == [Foreign((f"RDS instance {name}",))]
    database.secret = {"password": "x"}
    with recorded_all(database) as calls:
        assert database.create() == [Foreign((f"RDS instance {name}",))]
        wish(database, deletion_policy=DeletionPolicy.DELETE)
        assert database.delete() == [Done()]
    assert not [call for call in calls if not call.startswith(("Describe", "List", "Get"))]
    assert owner.instance(name) == before
    owner.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


def test_a_subnet_group_or_a_security_group_of_somebody_else_is_named(
    database: Operator, owner: Owner, clients: Clients, account: Account
) -> None:
    name = name_of(database)
    foreign = owner.ec2.create_security_group(
        GroupName=name, Description="-", VpcId=owner.placement.vpc_id
    )["GroupId"]
    with pytest.raises(ConflictError, match=f"security group {name} exists without our tags"):
        database.create()
    owner.ec2.delete_security_group(GroupId=foreign)

    other = make(clients, account, owner)
    group = name_of(other)
    owner.rds.create_db_subnet_group(
        DBSubnetGroupName=group,
        DBSubnetGroupDescription="-",
        SubnetIds=list(owner.placement.subnet_ids),
    )
    assert other.create() == [Foreign((f"DB subnet group {group}",))]
    other.secret = {"password": "x"}
    assert other.create() == [Foreign((f"DB subnet group {group}",))]
    assert other.delete() == [Done()]
    owner.rds.delete_db_subnet_group(DBSubnetGroupName=group)


def test_without_a_network_it_says_what_the_organization_lacks(database: Operator) -> None:
    wish(database, placement=Placement("vpc-1"))
    with pytest.raises(StalledError, match=r"'acme' .* network.privateSubnetIds, network.security"):
        database.create()


def test_a_database_that_somebody_has_deleted_is_not_replaced_by_an_empty_one(
    database: Operator, owner: Owner
) -> None:
    database.create()
    name = name_of(database)
    wish(database, was_ready=True)
    owner.rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
    owner.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    (failed,) = database.create()
    assert isinstance(failed, Failed)
    assert "restore it under this name" in failed.remedy
    assert owner.holdings(name)["instances"] == 0
    assert database.observe().presence is Presence.PARTIAL
    assert database.delete()[-1] == Done()
    assert owner.holdings(name) == NOTHING


def recorded_all(operator: Operator) -> Any:
    return recorded(operator.clients, operator.target.account)


@pytest.mark.parametrize("policy", DeletionPolicy)
@pytest.mark.parametrize("lost", [False, True], ids=["killed", "answer lost"])
def test_a_kill_after_any_call_leaves_one_database_and_after_deletion_what_the_policy_keeps(
    clients: Clients, account: Account, owner: Owner, policy: DeletionPolicy, *, lost: bool
) -> None:
    struck = True
    for at in itertools.count(1):
        if not struck:
            return
        database = make(clients, account, owner)
        wish(database, deletion_policy=policy)
        name = name_of(database)
        struck = killed_at(database, at, database.create, lost=lost)
        database.create()
        made(database, owner, name)
        wish(database, plan="db.m5.large", version="16", options={"minStorage": 30})
        struck |= killed_at(database, at, database.create, lost=lost)
        database.create()
        made(database, owner, name)
        struck |= killed_at(database, at, database.delete, lost=lost)
        database.delete()
        ended(owner, name, policy)
        clean(owner, name)


def killed_at(operator: Operator, at: int, act: Callable[[], object], *, lost: bool) -> bool:
    """Run an act that ends after its n-th call took effect; whether there was an n-th."""
    error: BaseException = KilledError() if not lost else ConnectionResetError("no answer")
    faults = Faults(at, error, reads=False)
    with hooked(operator.clients, operator.target.account, "after-call", faults):
        try:
            act()
        except (KilledError, RetryError):
            return True
    return faults.struck


def made(operator: Operator, owner: Owner, name: str) -> None:
    holdings = owner.holdings(name)
    assert holdings["instances"] == holdings["subnetGroups"] == holdings["securityGroups"] == 1
    assert holdings["snapshots"] == 0
    assert operator.observe().ready
    assert operator.observe().credentials_valid


def ended(owner: Owner, name: str, policy: DeletionPolicy) -> None:
    holdings = owner.holdings(name)
    match policy:
        case DeletionPolicy.RETAIN:
            assert holdings["instances"] == 1
        case DeletionPolicy.SNAPSHOT:
            assert holdings == {**NOTHING, "snapshots": 1}
        case DeletionPolicy.DELETE:
            assert holdings == NOTHING


def clean(owner: Owner, name: str) -> None:
    """Take away what a policy has kept."""
    try:
        owner.rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
        owner.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    except ClientError:
        return
