"""How the parts of a database use the API of RDS: calls, rights, error codes, tags of groups.

EC2's, for the security group, are in `security_group`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from setops.aws.api_use import ACCOUNT, NETWORK, QUOTA, TAGGED, TAGGING, ApiUse, Statement
from setops.aws.errors import code_of
from setops.aws.identity import MANAGED_BY
from setops.aws.ownership import tags_by_key
from setops.aws.parts.db_fields import TAG_CREDENTIALS
from setops.aws.parts.db_version import TAG_UPGRADE

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient

_SIZE: Final = "choose another plan"


def rds_arn(kind: str, name: str = f"{MANAGED_BY}-*") -> str:
    """The ARN of all our resources of a kind, for a policy."""
    return f"arn:aws:rds:*:{ACCOUNT}:{kind}:{name}"


API: Final = ApiUse(
    client="rds",
    operations=(
        "AddTagsToResource",
        "CreateDBInstance",
        "CreateDBParameterGroup",
        "CreateDBSubnetGroup",
        "DeleteDBInstance",
        "DeleteDBParameterGroup",
        "DeleteDBSubnetGroup",
        "DescribeDBEngineVersions",
        "DescribeDBInstances",
        "DescribeDBParameterGroups",
        "DescribeDBParameters",
        "DescribeDBSubnetGroups",
        "ListTagsForResource",
        "ModifyDBInstance",
        "ModifyDBParameterGroup",
    ),
    statements=(
        Statement(
            "RdsList",
            "To look at all databases of the account at once, however many Services wait.",
            (
                "rds:DescribeDBEngineVersions",
                "rds:DescribeDBInstances",
                "rds:DescribeDBParameterGroups",
                "rds:DescribeDBSubnetGroups",
            ),
            ("*",),
        ),
        Statement(
            "RdsRead",
            "To see parameters and tags.",
            ("rds:DescribeDBParameters", "rds:ListTagsForResource"),
            (rds_arn("db"), rds_arn("pg"), rds_arn("subgrp")),
        ),
        Statement(
            "RdsCreate",
            "To make a database with its groups, each with its tags in the same call. RDS has no "
            "condition that tells a create call's tags from those of a later call.",
            (
                "rds:AddTagsToResource",
                "rds:CreateDBInstance",
                "rds:CreateDBParameterGroup",
                "rds:CreateDBSubnetGroup",
            ),
            (rds_arn("db"), rds_arn("pg"), rds_arn("subgrp")),
            TAGGING,
        ),
        Statement(
            "RdsDefaultOptions",
            "A database also names an option group: AWS's own, which nobody can tag.",
            ("rds:CreateDBInstance", "rds:ModifyDBInstance"),
            (rds_arn("og", "default*"),),
        ),
        Statement(
            "RdsChange",
            "To change and delete what carries our tag.",
            (
                "rds:CreateDBSnapshot",
                "rds:DeleteDBInstance",
                "rds:DeleteDBParameterGroup",
                "rds:DeleteDBSubnetGroup",
                "rds:ModifyDBInstance",
                "rds:ModifyDBParameterGroup",
            ),
            (rds_arn("db"), rds_arn("pg"), rds_arn("subgrp")),
            TAGGED,
        ),
        Statement(
            "RdsNote",
            "To note at a database that carries our tag which password and version it was given.",
            ("rds:AddTagsToResource",),
            (rds_arn("db"),),
            {
                **TAGGED,
                "ForAllValues:StringEquals": {"aws:TagKeys": (TAG_CREDENTIALS, TAG_UPGRADE)},
            },
        ),
        Statement(
            "RdsSnapshot",
            "The final snapshot of a database, which takes over its tags. No other tags can be "
            "given to a snapshot.",
            ("rds:AddTagsToResource", "rds:CreateDBSnapshot"),
            (rds_arn("snapshot"),),
            {"BoolIfExists": {"rds:TagsFromRequest": "false"}},
        ),
        Statement(
            "RdsServiceRole",
            "AWS makes this role with the first database of an account.",
            ("iam:CreateServiceLinkedRole",),
            (
                f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS",
            ),
            {"StringEquals": {"iam:AWSServiceName": "rds.amazonaws.com"}},
        ),
    ),
    actions={
        "CreateDBInstance": (
            "rds:CreateDBInstance",
            "rds:AddTagsToResource",
            "iam:CreateServiceLinkedRole",
        ),
        "CreateDBParameterGroup": ("rds:CreateDBParameterGroup", "rds:AddTagsToResource"),
        "CreateDBSubnetGroup": ("rds:CreateDBSubnetGroup", "rds:AddTagsToResource"),
        "DeleteDBInstance": (
            "rds:DeleteDBInstance",
            "rds:CreateDBSnapshot",
            "rds:AddTagsToResource",
        ),
    },
    wait_codes=frozenset(
        {
            "DBInstanceAlreadyExists",
            "DBInstanceNotFound",
            "DBParameterGroupAlreadyExists",
            "DBParameterGroupNotFound",
            "DBSubnetGroupAlreadyExists",
            "DBSubnetGroupNotFoundFault",
            "InvalidDBInstanceState",
            "InvalidDBInstanceStateFault",
            "InvalidDBParameterGroupState",
            "InvalidDBParameterGroupStateFault",
            "InvalidDBSubnetGroupStateFault",
        }
    ),
    stall_codes={
        "AuthorizationNotFound": NETWORK,
        "DBParameterGroupQuotaExceeded": QUOTA,
        "DBSnapshotAlreadyExists": "rename or delete that snapshot",
        "DBSubnetGroupDoesNotCoverEnoughAZs": NETWORK,
        "DBSubnetGroupQuotaExceeded": QUOTA,
        "DBSubnetQuotaExceededFault": QUOTA,
        "DBUpgradeDependencyFailure": "resolve what keeps the database from being upgraded",
        "InstanceQuotaExceeded": QUOTA,
        "InsufficientDBInstanceCapacity": f"{_SIZE}, or try later",
        "InvalidSubnet": NETWORK,
        "InvalidVPCNetworkStateFault": NETWORK,
        "KMSKeyNotAccessibleFault": "let the operator's identity use the account's RDS key",
        "SnapshotQuotaExceeded": QUOTA,
        "StorageQuotaExceeded": QUOTA,
        "StorageTypeNotSupported": _SIZE,
    },
)


_STORAGE_REST: Final = "previous storage change is being optimized"


def is_storage_resting(exc: ClientError) -> bool:
    """Whether AWS refuses a storage change because the last one is less than six hours old.

    The code of this answer has other meanings, too. So it isn't one of the `wait_codes`, and only
    its text decides.
    """
    return _STORAGE_REST in exc.response.get("Error", {}).get("Message", "")


def group_tags(rds: RDSClient, arn: str, missing: str) -> Mapping[str, str] | None:
    """The tags of a group, which Describe calls don't show. None if the group no longer exists:
    AWS then answers with the code `missing`."""
    try:
        return tags_by_key(rds.list_tags_for_resource(ResourceName=arn)["TagList"])
    except ClientError as exc:
        if code_of(exc) == missing:
            return None
        raise
