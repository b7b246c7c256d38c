"""The rights that the operator needs at AWS, and no others; `python -m setops.aws.policy DIRECTORY`
writes them as `aws-policy.json` with a page about access, `aws-access.md`.

Source of what each IAM action takes as resource and as condition key: the Service Authorization
Reference of AWS. Where tags can't be asked for, names are: all that the operator makes begins with
`setops-`. Tests hold the table against every call that this package makes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from setops.aws.iam import PATH
from setops.aws.policy_page import page
from setops.aws.target import MANAGED_BY, TAG_MANAGED_BY

ACCOUNT: Final = "ACCOUNT_ID"
"""Stands for the 12 digits of the account that the Services live in."""
ROLE: Final = "ROLE_NAME"
"""Stands for the role there that the operator assumes."""

Conditions = Mapping[str, Mapping[str, str]]
"""Operator, key and value, as in IAM's JSON."""

_TAGGED: Final[Conditions] = {"StringEquals": {f"aws:ResourceTag/{TAG_MANAGED_BY}": MANAGED_BY}}
"""It carries our tag."""
_TAGGING: Final[Conditions] = {"StringEquals": {f"aws:RequestTag/{TAG_MANAGED_BY}": MANAGED_BY}}
"""The call itself gives it our tag."""
_IN_ACCOUNT: Final[Conditions] = {"StringEquals": {"s3:ResourceAccount": ACCOUNT}}
"""An ARN of a bucket doesn't name the account."""

_BUCKETS: Final = f"arn:aws:s3:::{MANAGED_BY}-*"
_USERS: Final = f"arn:aws:iam::{ACCOUNT}:user{PATH}{MANAGED_BY}-*"
# A user that doesn't exist has no path, and IAM asks for the right before it says so.
_MISSING_USERS: Final = f"arn:aws:iam::{ACCOUNT}:user/{MANAGED_BY}-*"
_SECURITY_GROUPS: Final = f"arn:aws:ec2:*:{ACCOUNT}:security-group/*"


def _rds(kind: str, name: str = f"{MANAGED_BY}-*") -> str:
    return f"arn:aws:rds:*:{ACCOUNT}:{kind}:{name}"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy; `purpose` tells what the operator does with it."""

    sid: str
    purpose: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = field(default_factory=dict)


ACCOUNT_STATEMENTS: Final = (
    Statement(
        "S3List",
        "To tell a bucket of another account, whose name is taken, from a right that is missing.",
        ("s3:ListAllMyBuckets",),
        ("*",),
    ),
    Statement(
        "S3Create",
        "To make a bucket, with its tags in the same call.",
        ("s3:CreateBucket", "s3:TagResource"),
        (_BUCKETS,),
        _TAGGING,
    ),
    Statement(
        "S3Buckets",
        "To see and set public access, encryption and TLS of a bucket, and to delete one. S3 "
        "looks at the tags of a bucket only where that was switched on for it, hence the name.",
        (
            "s3:DeleteBucket",
            "s3:GetBucketPolicy",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketTagging",
            "s3:GetEncryptionConfiguration",
            "s3:ListBucketMultipartUploads",
            "s3:ListBucketVersions",
            "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutEncryptionConfiguration",
        ),
        (_BUCKETS,),
        _IN_ACCOUNT,
    ),
    Statement(
        "S3Objects",
        "To empty a bucket whose deletionPolicy is Delete. Objects are never read.",
        ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion"),
        (f"{_BUCKETS}/*",),
        _IN_ACCOUNT,
    ),
    Statement(
        "IamRead",
        "To see the IAM user of a Service. The ARN without the path is that of a user who doesn't "
        "exist yet.",
        (
            "iam:GetUser",
            "iam:GetUserPolicy",
            "iam:ListAccessKeys",
            "iam:ListAttachedUserPolicies",
            "iam:ListUserPolicies",
        ),
        (_USERS, _MISSING_USERS),
    ),
    Statement(
        "IamCreate",
        f"To make the IAM user of a Service below the path {PATH}, with its tags in the same call.",
        ("iam:CreateUser", "iam:TagUser"),
        (_USERS,),
        _TAGGING,
    ),
    Statement(
        "IamGrant",
        "To give that user its bucket and its access key. Bound by path and name: the tags of a "
        "user who was just made don't show everywhere at once.",
        ("iam:CreateAccessKey", "iam:PutUserPolicy"),
        (_USERS,),
    ),
    Statement(
        "IamDelete",
        "To take access keys and policies away, and to delete the user.",
        (
            "iam:DeleteAccessKey",
            "iam:DeleteUser",
            "iam:DeleteUserPolicy",
            "iam:DetachUserPolicy",
        ),
        (_USERS,),
        _TAGGED,
    ),
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
        (_rds("db"), _rds("pg"), _rds("subgrp")),
    ),
    Statement(
        "RdsCreate",
        "To make a database with its groups, each with its tags in the same call.",
        (
            "rds:AddTagsToResource",
            "rds:CreateDBInstance",
            "rds:CreateDBParameterGroup",
            "rds:CreateDBSubnetGroup",
        ),
        (_rds("db"), _rds("pg"), _rds("subgrp")),
        _TAGGING,
    ),
    Statement(
        "RdsDefaultOptions",
        "A database also names an option group: AWS's own, which nobody can tag.",
        ("rds:CreateDBInstance", "rds:ModifyDBInstance"),
        (_rds("og", "default*"),),
    ),
    Statement(
        "RdsChange",
        "To change, note and delete what carries our tag.",
        (
            "rds:AddTagsToResource",
            "rds:CreateDBSnapshot",
            "rds:DeleteDBInstance",
            "rds:DeleteDBParameterGroup",
            "rds:DeleteDBSubnetGroup",
            "rds:ModifyDBInstance",
            "rds:ModifyDBParameterGroup",
        ),
        (_rds("db"), _rds("pg"), _rds("subgrp")),
        _TAGGED,
    ),
    Statement(
        "RdsSnapshot",
        "The final snapshot of a database, which takes over its tags.",
        ("rds:AddTagsToResource", "rds:CreateDBSnapshot"),
        (_rds("snapshot"),),
    ),
    Statement(
        "RdsServiceRole",
        "AWS makes this role with the first database of an account.",
        ("iam:CreateServiceLinkedRole",),
        (f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS",),
        {"StringEquals": {"iam:AWSServiceName": "rds.amazonaws.com"}},
    ),
    Statement(
        "Ec2List",
        "To see security groups. EC2 takes no narrower resource for this.",
        ("ec2:DescribeSecurityGroups",),
        ("*",),
    ),
    Statement(
        "Ec2Create",
        "To make the security group of a database, with its tags in the same call.",
        ("ec2:CreateSecurityGroup",),
        (_SECURITY_GROUPS,),
        _TAGGING,
    ),
    Statement(
        "Ec2CreateInVpc",
        "The VPC that the group is made in. Put the id of yours in place of the last asterisk.",
        ("ec2:CreateSecurityGroup",),
        (f"arn:aws:ec2:*:{ACCOUNT}:vpc/*",),
    ),
    Statement(
        "Ec2Tag",
        "Tags of a security group, in the call that makes it and at no other time.",
        ("ec2:CreateTags",),
        (_SECURITY_GROUPS,),
        {"StringEquals": {**_TAGGING["StringEquals"], "ec2:CreateAction": "CreateSecurityGroup"}},
    ),
    Statement(
        "Ec2Change",
        "To open and close the database's port, and to delete the group.",
        (
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:DeleteSecurityGroup",
            "ec2:RevokeSecurityGroupIngress",
        ),
        (_SECURITY_GROUPS,),
        _TAGGED,
    ),
)
"""What the role in an account may do, or the operator's own identity in its own account."""

IDENTITY_STATEMENTS: Final = (
    Statement(
        "AssumeRoles",
        "To get into the accounts. TagSession, because EKS Pod Identity tags its sessions and "
        "those tags go along.",
        ("sts:AssumeRole", "sts:TagSession"),
        (f"arn:aws:iam::{ACCOUNT}:role/{ROLE}",),
    ),
)
"""What the operator's own identity may do."""

_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "ec2:CreateSecurityGroup": ("ec2:CreateSecurityGroup", "ec2:CreateTags"),
    "iam:CreateUser": ("iam:CreateUser", "iam:TagUser"),
    "rds:CreateDBInstance": (
        "rds:CreateDBInstance",
        "rds:AddTagsToResource",
        "iam:CreateServiceLinkedRole",
    ),
    "rds:CreateDBParameterGroup": ("rds:CreateDBParameterGroup", "rds:AddTagsToResource"),
    "rds:CreateDBSubnetGroup": ("rds:CreateDBSubnetGroup", "rds:AddTagsToResource"),
    "rds:DeleteDBInstance": (
        "rds:DeleteDBInstance",
        "rds:CreateDBSnapshot",
        "rds:AddTagsToResource",
    ),
    "s3:CreateBucket": ("s3:CreateBucket", "s3:TagResource"),
    "s3:DeleteObjects": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "s3:DeletePublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "sts:AssumeRole": ("sts:AssumeRole", "sts:TagSession"),
    # Nobody needs a right to ask who he is.
    "sts:GetCallerIdentity": (),
}
"""Operations that don't need just the action of their own name, in the way that we call them."""


def actions(product: str, operation: str) -> tuple[str, ...]:
    """The IAM actions that an API operation needs: `s3` and `ListBuckets`, for example."""
    name = f"{product}:{operation}"
    return _ACTIONS.get(name, (name,))


def granted() -> frozenset[str]:
    """All actions of the tables."""
    every = (*ACCOUNT_STATEMENTS, *IDENTITY_STATEMENTS)
    return frozenset(action for statement in every for action in statement.actions)


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """Statements as a policy in IAM's JSON."""
    return {"Version": "2012-10-17", "Statement": [_rendered(each) for each in statements]}


def _rendered(statement: Statement) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Sid": statement.sid,
        "Effect": "Allow",
        "Action": list(statement.actions),
        "Resource": list(statement.resources),
    }
    return {**made, "Condition": statement.conditions} if statement.conditions else made


def documents() -> dict[str, str]:
    """The files, by name."""
    purposes = {each.sid: each.purpose for each in ACCOUNT_STATEMENTS}
    return {
        "aws-policy.json": _json(document(ACCOUNT_STATEMENTS)) + "\n",
        "aws-access.md": page(_json(document(IDENTITY_STATEMENTS)), purposes),
    }


def _json(policy: dict[str, Any]) -> str:
    return json.dumps(policy, indent=2)


def write(directory: Path) -> None:
    """Write the files into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        write(Path(argument))
