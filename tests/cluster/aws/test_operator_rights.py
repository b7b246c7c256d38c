"""The policy at work: a role that has these rights and no others, where IAM is enforced."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from setops.api.service_type import DeletionPolicy
from setops.aws.api_use import ACCOUNT
from setops.aws.clients import Clients
from setops.aws.decide import Create, Delete, Done, IssueCredentials, Update
from setops.aws.identity import Identity
from setops.aws.operator_rights import ACCOUNT_STATEMENTS, document
from setops.aws.target import Account, Target
from tests.cluster.aws.story import Operator, Root
from tests.cluster.aws.test_accounts import with_role
from tests.cluster.aws.test_postgresql import Owner

NUMBER = "777777777777"


@pytest.fixture(scope="module")
def bound(endpoint: str) -> Account:
    """An account into which a role with the policy's actions leads.

    The emulator looks at ARNs for S3 alone, and at tags for nothing that is ours.
    """
    account = with_role(NUMBER, "eu-west-1", endpoint)
    statements = [
        replace(each, conditions={}, resources=tuple(map(_seen, each.resources)))
        for each in ACCOUNT_STATEMENTS
    ]
    rights = json.dumps(document(statements)).replace(ACCOUNT, NUMBER)
    root = Root(account)
    root.iam.put_role_policy(RoleName="setops", PolicyName="setops", PolicyDocument=rights)
    for bucket in ("setops-any", "another"):
        root.s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
    return account


def _seen(resource: str) -> str:
    return resource if resource.startswith("arn:aws:s3:") else "*"


def test_a_bucket_lives_its_whole_life(bound: Account, clients: Clients) -> None:
    target = Target(bound, Identity.of_service("acme", "shop", "live", "store"), "s3")
    operator = Operator(clients, replace(target, deletion_policy=DeletionPolicy.DELETE))
    assert operator.create() == [Create(), IssueCredentials(), Done()]
    name, root = operator.ids()["bucket"], Root(bound)

    root.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"old", b"new"):
        root.s3.put_object(Bucket=name, Key="k", Body=body)
    root.s3.create_multipart_upload(Bucket=name, Key="half")
    root.s3.delete_bucket_encryption(Bucket=name)
    root.s3.delete_public_access_block(Bucket=name)
    root.iam.put_user_policy(UserName=name, PolicyName="other", PolicyDocument=_NOTHING)
    root.iam.attach_user_policy(UserName=name, PolicyArn=_READ_ONLY)
    root.iam.create_access_key(UserName=name)
    assert isinstance(operator.create()[0], Update)

    assert operator.delete()[-1] == Done()
    assert name not in (*root.buckets(), *root.users())


def test_a_database_lives_its_whole_life(bound: Account, clients: Clients) -> None:
    owner = Owner(bound)
    identity = Identity.of_service("acme", "shop", "live", "data")
    target = Target(
        bound,
        identity,
        "postgresql",
        version="15",
        plan="db.t3.small",
        deletion_policy=DeletionPolicy.SNAPSHOT,
        placement=owner.placement,
        uid="1a2b3c4d",
    )
    operator = Operator(clients, target)
    assert operator.create()[-1] == Done()
    name = operator.ids()["instance"]
    operator.target = replace(operator.target, plan="db.t3.medium")
    assert isinstance(operator.create()[0], Update)

    assert Delete() in (deleted := operator.delete())
    assert deleted[-1] == Done()
    held = owner.holdings(name)
    assert held.pop("snapshots") == 1
    assert set(held.values()) == {0}


@pytest.mark.parametrize(
    "attempt",
    [
        lambda at: at.s3.get_object(Bucket="setops-any", Key="k"),
        lambda at: at.s3.delete_bucket(Bucket="another"),
        lambda at: at.iam.list_roles(),
        lambda at: at.iam.attach_user_policy(UserName="setops-any", PolicyArn=_READ_ONLY),
        lambda at: at.rds.reboot_db_instance(DBInstanceIdentifier="setops-any"),
        lambda at: at.ec2.describe_instances(),
    ],
)
def test_what_the_operator_does_not_need_is_refused(
    whole: SimpleNamespace, attempt: Callable[[SimpleNamespace], Any]
) -> None:
    """So the emulator does enforce it, and the two above prove something."""
    with pytest.raises(ClientError, match=r"AccessDenied|UnauthorizedOperation"):
        attempt(whole)


@pytest.fixture(scope="module")
def whole(bound: Account) -> SimpleNamespace:
    """Clients of the role that can do more than the operator's own, which lack all else."""
    how: Any = {"region_name": bound.region, "endpoint_url": bound.endpoint_url}
    role: Any = {"RoleArn": bound.role_arn, "ExternalId": bound.external_id}
    assumed = boto3.client("sts", **how).assume_role(RoleSessionName="test", **role)["Credentials"]
    session = boto3.Session(
        assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"]
    )
    products: Any = ("s3", "iam", "rds", "ec2")
    return SimpleNamespace(**{each: session.client(each, **how) for each in products})


_NOTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
    }
)
_READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
