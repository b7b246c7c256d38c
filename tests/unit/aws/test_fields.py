"""A field is one row: what the change call is given for it makes what differed as wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from setops.aws.part import Field
from setops.aws.parts.db_fields import TAG_CREDENTIALS, Wanted, fingerprint, instance_fields
from setops.aws.parts.db_version import DbEngine, VersionWish

ENGINE = DbEngine("postgres", "PostgreSQL", ("13", "14", "15", "16"))
GROUP = "sg-ours"
NOW = datetime(2026, 11, 26, tzinfo=UTC)

sizes = st.integers(20, 1000)


@st.composite
def wishes(draw: st.DrawFn) -> Wanted:
    low = draw(sizes)
    return Wanted(
        instance_class=draw(st.sampled_from(["db.t3.micro", "db.m5.large"])),
        multi_az=draw(st.booleans()),
        min_storage=low,
        max_storage=draw(st.none() | st.integers(-(-low * 11 // 10), 2000)),
        version=VersionWish(ENGINE, draw(st.none() | st.sampled_from(sorted(ENGINE.majors)))),
        backup_days=draw(st.integers(0, 35)),
        parameter_group="ours",
        password=draw(st.none() | st.sampled_from(["one", "other"])),
    )


@st.composite
def instances(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "DBInstanceStatus": "available",
        "DBInstanceClass": draw(st.sampled_from(["db.t3.micro", "db.m5.large"])),
        "MultiAZ": draw(st.booleans()),
        "AllocatedStorage": draw(sizes),
        "MaxAllocatedStorage": draw(st.none() | sizes),
        "EngineVersion": "13",
        "BackupRetentionPeriod": draw(st.integers(0, 35)),
        "DeletionProtection": draw(st.booleans()),
        "PubliclyAccessible": draw(st.booleans()),
        "DBParameterGroups": [{"DBParameterGroupName": draw(st.sampled_from(["ours", "theirs"]))}],
        "VpcSecurityGroups": [{"VpcSecurityGroupId": draw(st.sampled_from([GROUP, "sg-other"]))}],
        "TagList": [{"Key": TAG_CREDENTIALS, "Value": fingerprint("one")}],
    }


def modified(found: Mapping[str, Any], fields: Iterable[Field], wish: VersionWish) -> Any:
    """The instance after a ModifyDBInstance with these fields, as AWS would have it."""
    after = dict(found)
    for name, value in (item for each in fields for item in each.argument.items()):
        match name:
            case "DBParameterGroupName":
                after["DBParameterGroups"] = [{name: value}]
            case "VpcSecurityGroupIds":
                after["VpcSecurityGroups"] = [{"VpcSecurityGroupId": each} for each in value]
            case "MasterUserPassword":
                after["TagList"] = [{"Key": TAG_CREDENTIALS, "Value": fingerprint(value)}]
            case "AllowMajorVersionUpgrade":
                after["EngineVersion"] = f"{wish.version}.9"
            case _:
                after[name] = value
    # A limit that is what is allocated means that it doesn't grow, and isn't shown.
    if after["MaxAllocatedStorage"] == after["AllocatedStorage"]:
        after["MaxAllocatedStorage"] = None
    return after


@given(instances(), wishes())
def test_what_an_instance_is_asked_for_leaves_no_difference(
    found: dict[str, Any], wanted: Wanted
) -> None:
    rows = list(instance_fields(found, wanted, GROUP, NOW))
    assert len({each.path for each in rows}) == len(rows)
    differing = [each for each in rows if each.difference()]
    assert all(each.argument for each in differing)
    after = modified(found, differing, wanted.version)
    left = [each.path for each in instance_fields(after, wanted, GROUP, NOW) if each.difference()]
    assert not left
