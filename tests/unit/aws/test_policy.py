"""What the AWS policy allows and what it doesn't, attack by attack.

Each attack is a call that whoever controls the operator's role could make.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from setops.aws.api_use import ACCOUNT
from setops.aws.identity import Identity
from setops.aws.operator_rights import ACCOUNT_STATEMENTS
from tests.unit.aws.iam import Call, allows

NUMBER: Final = "123456789012"
POLICY: Final[Any] = json.loads(
    (Path(__file__).parents[3] / "docs" / "aws-policy.json")
    .read_text(encoding="utf-8")
    .replace(ACCOUNT, NUMBER)
)

OURS: Final = Identity.of_service("acme", "shop", "live", "store").tags()
OTHERS: Final = {"setops:managed-by": "the database team"}
FAKED: Final = {**OURS, "cost-center": "42"}

ARNS: Final = {
    "bucket": "arn:aws:s3:::setops-x",
    "object": "arn:aws:s3:::setops-x/k",
    "user": f"arn:aws:iam::{NUMBER}:user/setops/setops-x",
    "db": f"arn:aws:rds:eu-west-1:{NUMBER}:db:setops-x",
    "pg": f"arn:aws:rds:eu-west-1:{NUMBER}:pg:setops-x",
    "subgrp": f"arn:aws:rds:eu-west-1:{NUMBER}:subgrp:setops-x",
    "snapshot": f"arn:aws:rds:eu-west-1:{NUMBER}:snapshot:setops-x",
    "group": f"arn:aws:ec2:eu-west-1:{NUMBER}:security-group/sg-1",
}
CHANGES: Final = {
    "user": (
        "iam:CreateAccessKey",
        "iam:PutUserPolicy",
        "iam:DeleteAccessKey",
        "iam:DeleteUser",
        "iam:DeleteUserPolicy",
        "iam:DetachUserPolicy",
    ),
    "db": ("rds:ModifyDBInstance", "rds:DeleteDBInstance", "rds:CreateDBSnapshot"),
    "pg": ("rds:ModifyDBParameterGroup", "rds:DeleteDBParameterGroup"),
    "subgrp": ("rds:DeleteDBSubnetGroup",),
    "group": (
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:DeleteSecurityGroup",
    ),
    "bucket": (
        "s3:DeleteBucket",
        "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutEncryptionConfiguration",
    ),
    "object": ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"),
}
"""All actions that change something that exists, by what they change."""
TAGS: Final = {
    "bucket": "s3:TagResource",
    "user": "iam:TagUser",
    "db": "rds:AddTagsToResource",
    "pg": "rds:AddTagsToResource",
    "subgrp": "rds:AddTagsToResource",
    "group": "ec2:CreateTags",
}
MAKES: Final = {
    "bucket": "s3:CreateBucket",
    "user": "iam:CreateUser",
    "db": "rds:CreateDBInstance",
    "pg": "rds:CreateDBParameterGroup",
    "subgrp": "rds:CreateDBSubnetGroup",
    "group": "ec2:CreateSecurityGroup",
}
BY_NAME: Final = {
    *((kind, action) for kind in ("bucket", "object") for action in CHANGES[kind]),
    ("user", "iam:CreateAccessKey"),
    ("user", "iam:PutUserPolicy"),
}
"""What AWS can't bind to our tag: docs/aws-access.md says so."""
ON_CREATION: Final = {"ec2:CreateTags": {"ec2:CreateAction": "CreateSecurityGroup"}}
IN_ACCOUNT: Final = {"s3:ResourceAccount": NUMBER}

every_change = pytest.mark.parametrize(
    ("kind", "action"), [(kind, each) for kind, every in CHANGES.items() for each in every]
)
every_kind = pytest.mark.parametrize("kind", TAGS)


def allowed(action: str, kind: str, **what: Any) -> bool:
    keys = {**(IN_ACCOUNT if action.startswith("s3:") else {}), **what.pop("keys", {})}
    return allows(POLICY, Call(action, ARNS[kind], keys=keys, **what))


def test_the_table_names_every_action_that_changes_something() -> None:
    granted = {action for each in ACCOUNT_STATEMENTS for action in each.actions}
    changing = {
        each for each in granted if not each.split(":")[1].startswith(("Describe", "Get", "List"))
    }
    known = {each for every in CHANGES.values() for each in every}
    assert known | {*TAGS.values(), *MAKES.values()} | {"iam:CreateServiceLinkedRole"} == changing


@every_change
def test_what_is_ours_can_be_changed(kind: str, action: str) -> None:
    assert allowed(action, kind, tags=OURS)


@every_change
def test_what_lacks_our_tag_can_not_be_changed_where_aws_looks_at_tags(
    kind: str, action: str
) -> None:
    assert allowed(action, kind, tags={}) == ((kind, action) in BY_NAME)


@every_change
def test_what_says_that_it_is_managed_by_others_can_not_be_changed(kind: str, action: str) -> None:
    assert not allowed(action, kind, tags=OTHERS)


@every_kind
def test_a_thing_is_made_with_its_tags(kind: str) -> None:
    assert allowed(MAKES[kind], kind, given=OURS)
    action = TAGS[kind]
    assert allowed(action, kind, given=OURS, keys=ON_CREATION.get(action, {}))
    # In some APIs what a create call brings already counts as the tags of the resource.
    assert allowed(MAKES[kind], kind, given=OURS, tags=OURS)
    assert allowed(action, kind, given=OURS, tags=OURS, keys=ON_CREATION.get(action, {}))


@every_kind
def test_nothing_is_made_without_our_tag_nor_with_tags_of_others(kind: str) -> None:
    for given in ({}, OTHERS, FAKED, {"cost-center": "42"}):
        assert not allowed(MAKES[kind], kind, given=given)
        keys = ON_CREATION.get(TAGS[kind], {})
        assert not allowed(TAGS[kind], kind, given=given, keys=keys)


@every_kind
@pytest.mark.parametrize("tags", [{}, OURS, OTHERS], ids=["untagged", "ours", "managed by others"])
def test_what_exists_is_tagged_only_where_no_condition_can_tell(
    kind: str, tags: dict[str, str]
) -> None:
    """EC2 names the call in ec2:CreateAction. The others have nothing like it."""
    possible = kind != "group" and tags is not OTHERS
    assert allowed(TAGS[kind], kind, given=OURS, tags=tags) == possible
    assert not allowed(TAGS[kind], kind, given=FAKED, tags=tags)


NOTES: Final = {"setops:credentials": "CHANGING", "setops:upgrade": "16.3 15.7"}


def test_notes_are_made_at_our_databases_alone() -> None:
    assert allowed("rds:AddTagsToResource", "db", given=NOTES, tags=OURS)
    for tags in ({}, OTHERS, None):
        assert not allowed("rds:AddTagsToResource", "db", given=NOTES, tags=tags)
    for given in ({"setops:project": "another"}, {"cost-center": "42"}, {**NOTES, "a": "b"}):
        assert not allowed("rds:AddTagsToResource", "db", given=given, tags=OURS)
    for kind in ("pg", "subgrp"):
        assert not allowed("rds:AddTagsToResource", kind, given=NOTES, tags=OURS)


def test_a_final_snapshot_takes_over_its_tags_and_gets_no_others() -> None:
    assert allowed("rds:CreateDBSnapshot", "snapshot")
    inherited, given = {"rds:TagsFromRequest": "false"}, {"rds:TagsFromRequest": "true"}
    tag = "rds:AddTagsToResource"
    assert allowed(tag, "snapshot", given={**OURS, "cost-center": "42"}, keys=inherited)
    assert not allowed(tag, "snapshot", given=OURS, keys=given)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:DeleteBucket", "arn:aws:s3:::invoices"),
        ("s3:DeleteObject", "arn:aws:s3:::invoices/setops-x"),
        ("s3:GetObject", ARNS["object"]),
        ("s3:PutObject", ARNS["object"]),
        ("s3:PutBucketTagging", ARNS["bucket"]),
        ("iam:PutUserPolicy", f"arn:aws:iam::{NUMBER}:user/setops-x"),
        ("iam:PutUserPolicy", f"arn:aws:iam::{NUMBER}:user/admins/setops-x"),
        ("iam:CreateAccessKey", f"arn:aws:iam::{NUMBER}:user/setops/admin"),
        ("iam:AttachUserPolicy", ARNS["user"]),
        ("iam:CreateLoginProfile", ARNS["user"]),
        ("iam:UntagUser", ARNS["user"]),
        ("iam:PassRole", f"arn:aws:iam::{NUMBER}:role/setops-x"),
        ("rds:ModifyDBInstance", f"arn:aws:rds:eu-west-1:{NUMBER}:db:invoices"),
        ("rds:DeleteDBSnapshot", ARNS["snapshot"]),
        ("rds:ModifyDBSnapshotAttribute", ARNS["snapshot"]),
        ("rds:RemoveTagsFromResource", ARNS["db"]),
        ("rds:DeleteDBInstance", "arn:aws:rds:eu-west-1:999999999999:db:setops-x"),
        ("ec2:AuthorizeSecurityGroupEgress", ARNS["group"]),
        ("ec2:DeleteTags", ARNS["group"]),
        ("sts:AssumeRole", f"arn:aws:iam::{NUMBER}:role/admin"),
    ],
)
def test_it_goes_no_further_than_what_we_make(action: str, resource: str) -> None:
    """Even if the resource carries our tags, which somebody may have copied."""
    assert not allows(POLICY, Call(action, resource, OURS, OURS, IN_ACCOUNT))


def test_a_bucket_of_another_account_is_out_of_reach() -> None:
    for kind in ("bucket", "object"):
        for action in CHANGES[kind]:
            call = Call(action, ARNS[kind], keys={"s3:ResourceAccount": "999999999999"})
            assert not allows(POLICY, call)


TAG_KEYS: Final = frozenset({"aws:RequestTag", "aws:TagKeys", "aws:ResourceTag"})
KNOWN_KEYS: Final = {
    "s3": TAG_KEYS | {"s3:ResourceAccount", "s3:BucketTag"},
    "iam": TAG_KEYS | {"iam:AWSServiceName"},
    "rds": TAG_KEYS | {"rds:TagsFromRequest"},
    "ec2": TAG_KEYS | {"ec2:CreateAction"},
}
"""Source: the Service Authorization Reference."""


@pytest.mark.parametrize("statement", ACCOUNT_STATEMENTS, ids=lambda each: each.sid)
def test_conditions_use_keys_that_the_service_has(statement: Any) -> None:
    """A misspelled key would be one that no request has, and IfExists would then always hold."""
    keys = {key.split("/")[0] for every in statement.conditions.values() for key in every}
    for action in statement.actions:
        assert keys <= KNOWN_KEYS[action.split(":")[0]], action
