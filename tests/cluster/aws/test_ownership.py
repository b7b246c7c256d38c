"""A resource that has a name of ours and isn't this Service's is told, and never touched.

Every kind of resource, with every kind of tags that say so, by every way to take, change and delete
one.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from setops.api.service_type import DeletionPolicy
from setops.aws.api_use import is_read
from setops.aws.clients import Clients
from setops.aws.decide import Done, Foreign
from setops.aws.errors import ConflictError
from setops.aws.identity import Identity
from setops.aws.ownership import tag_list
from setops.aws.target import Account, Target
from tests.cluster.aws.story import Operator, Root, recorded
from tests.cluster.aws.test_postgresql import Owner, take_instance

Tags = dict[str, str]

_names = itertools.count()


class Holder(Root):
    """The account as its owner sees it, with a network for databases."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        network = Owner(account)
        self.rds, self.ec2, self.placement = network.rds, network.ec2, network.placement

    def group(self, name: str) -> Any:
        filters: Any = [{"Name": "group-name", "Values": [name]}]
        return self.ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]

    def arn(self, kind: str, name: str) -> str:
        return f"arn:aws:rds:{self.account.region}:{self.account.account_id}:{kind}:{name}"


def _take_bucket(holder: Holder, name: str) -> None:
    holder.s3.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    holder.s3.put_object(Bucket=name, Key="k", Body=b"precious")


def _tag_bucket(holder: Holder, name: str, tags: Tags) -> None:
    holder.s3.delete_bucket_tagging(Bucket=name)
    if tags:
        holder.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list(tags)})


def _see_bucket(holder: Holder, name: str) -> Any:
    s3 = holder.s3
    reads: tuple[Callable[..., Any], ...] = (
        s3.get_bucket_tagging,
        s3.get_bucket_policy,
        s3.get_public_access_block,
        s3.get_bucket_encryption,
        s3.list_objects_v2,
    )
    return [_read(read, Bucket=name) for read in reads]


def _take_user(holder: Holder, name: str) -> None:
    holder.iam.create_user(UserName=name, Path="/setops/")
    holder.iam.create_access_key(UserName=name)
    holder.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=_NOTHING)


def _tag_user(holder: Holder, name: str, tags: Tags) -> None:
    there = holder.iam.list_user_tags(UserName=name)["Tags"]
    holder.iam.untag_user(UserName=name, TagKeys=[each["Key"] for each in there])
    if tags:
        holder.iam.tag_user(UserName=name, Tags=tag_list(tags))


def _see_user(holder: Holder, name: str) -> Any:
    iam = holder.iam
    user = iam.get_user(UserName=name)["User"]
    policies = iam.list_user_policies(UserName=name)["PolicyNames"]
    documents = [iam.get_user_policy(UserName=name, PolicyName=each) for each in policies]
    return user.get("Tags"), holder.keys(name), [each["PolicyDocument"] for each in documents]


def _take_instance(holder: Holder, name: str) -> None:
    take_instance(holder.rds, name)


def _take_parameter_group(holder: Holder, name: str) -> None:
    holder.rds.create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily="postgres15", Description="mine"
    )


def _take_subnet_group(holder: Holder, name: str) -> None:
    holder.rds.create_db_subnet_group(
        DBSubnetGroupName=name,
        DBSubnetGroupDescription="mine",
        SubnetIds=list(holder.placement.subnet_ids),
    )


def _rds_tagger(kind: str) -> Callable[[Holder, str, Tags], None]:
    def tag(holder: Holder, name: str, tags: Tags) -> None:
        arn = holder.arn(kind, name)
        there = holder.rds.list_tags_for_resource(ResourceName=arn)["TagList"]
        gone = [each["Key"] for each in there]
        if gone:
            holder.rds.remove_tags_from_resource(ResourceName=arn, TagKeys=gone)
        if tags:
            holder.rds.add_tags_to_resource(ResourceName=arn, Tags=tag_list(tags))

    return tag


def _see_instance(holder: Holder, name: str) -> Any:
    return holder.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]


def _see_parameter_group(holder: Holder, name: str) -> Any:
    arn = holder.arn("pg", name)
    return (
        holder.rds.list_tags_for_resource(ResourceName=arn)["TagList"],
        holder.rds.describe_db_parameters(DBParameterGroupName=name, Source="user")["Parameters"],
    )


def _see_subnet_group(holder: Holder, name: str) -> Any:
    arn = holder.arn("subgrp", name)
    return (
        holder.rds.list_tags_for_resource(ResourceName=arn)["TagList"],
        holder.rds.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"],
    )


def _take_group(holder: Holder, name: str) -> None:
    holder.ec2.create_security_group(
        GroupName=name, Description="mine", VpcId=holder.placement.vpc_id
    )


def _tag_group(holder: Holder, name: str, tags: Tags) -> None:
    found = holder.group(name)
    group = [found["GroupId"]]
    if found.get("Tags"):
        holder.ec2.delete_tags(Resources=group, Tags=found["Tags"])
    if tags:
        holder.ec2.create_tags(Resources=group, Tags=tag_list(tags))


def _read(call: Callable[..., Any], **arguments: Any) -> Any:
    """An answer without what differs each time; of an error its code."""
    try:
        answer = call(**arguments)
    except ClientError as exc:
        return exc.response["Error"]["Code"]
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


_NOTHING: Final = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
)


@dataclass(frozen=True)
class Kind:
    """A kind of resource: whose part it is, and how somebody else makes, tags and sees one.

    `bulk`: a list of the whole account has it without its tags, which are read once there is
    something to do.
    """

    type_name: str
    key: str
    label: str
    take: Callable[[Holder, str], None]
    tag: Callable[[Holder, str, Tags], None]
    see: Callable[[Holder, str], Any]
    bulk: bool = False


KINDS: Final = (
    Kind("s3", "bucket", "S3 bucket", _take_bucket, _tag_bucket, _see_bucket),
    Kind("s3", "user", "IAM user", _take_user, _tag_user, _see_user),
    Kind(
        "postgresql", "instance", "RDS instance", _take_instance, _rds_tagger("db"), _see_instance
    ),
    Kind(
        "postgresql",
        "parameterGroup15",
        "DB parameter group",
        _take_parameter_group,
        _rds_tagger("pg"),
        _see_parameter_group,
        bulk=True,
    ),
    Kind(
        "postgresql",
        "subnetGroup",
        "DB subnet group",
        _take_subnet_group,
        _rds_tagger("subgrp"),
        _see_subnet_group,
        bulk=True,
    ),
    Kind("postgresql", "securityGroup", "security group", _take_group, _tag_group, Holder.group),
)


def _without(key: str) -> Callable[[Tags], Tags]:
    return lambda tags: {name: value for name, value in tags.items() if name != key}


def _with(**changed: str) -> Callable[[Tags], Tags]:
    named = {f"setops:{key.replace('_', '-')}": value for key, value in changed.items()}
    return lambda tags: {**tags, **named}


STRANGE: Final[dict[str, Callable[[Tags], Tags]]] = {
    "no tags": lambda _: {},
    "tags of another program": lambda _: {"cost-center": "42", "managed-by": "setops"},
    "managed by somebody else": _with(managed_by="terraform"),
    "another organization": _with(organization="globex"),
    "another project": _with(project="books"),
    "another stage": _with(stage="staging"),
    "another service": _with(service="other"),
    "in other letters": _with(organization="ACME"),
    "without managed-by": _without("setops:managed-by"),
    "without its organization": _without("setops:organization"),
    "the Stage's own": _without("setops:service"),
    "an App's besides": _with(app="web"),
    "another cluster's": _with(cluster="us-1"),
}
"""Tags, made of those of the Service, with which a resource isn't the Service's."""

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda each: each.key)
every_strange = pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)


@pytest.fixture(scope="module")
def holder(account: Account) -> Holder:
    return Holder(account)


def made(kind: Kind, clients: Clients, holder: Holder) -> Operator:
    target = Target(
        holder.account,
        Identity.of_service("acme", "own", "live", f"one{next(_names)}"),
        kind.type_name,
        deletion_policy=DeletionPolicy.DELETE,
        placement=holder.placement,
        uid="1a2b3c4d",
    )
    wishes: Any = {"version": "15", "plan": "db.t3.small"}
    return Operator(clients, replace(target, **wishes) if kind.type_name != "s3" else target)


def refused(operator: Operator) -> str:
    """The resource for which the Service is refused, by either way in which the loop says so."""
    try:
        end = operator.create()[-1]
    except ConflictError as error:
        return error.resource
    assert isinstance(end, Foreign)
    (resource,) = end.resources
    return resource


CLUSTERS: Final = {
    "both have one": ("eu-1", "us-1"),
    "the one that asks has none": ("eu-1", ""),
}


@pytest.mark.parametrize("product", [KINDS[0], KINDS[2]], ids=lambda each: each.type_name)
@pytest.mark.parametrize(("first", "second"), CLUSTERS.values(), ids=CLUSTERS)
def test_what_another_cluster_has_made_is_not_taken_up(
    product: Kind, first: str, second: str, clients: Clients, holder: Holder
) -> None:
    """Both serve the same Stage. Only one of them finds its resources."""
    owner = replace(made(product, clients, holder), cluster=first)
    assert owner.create()[-1] == Done()
    kinds = [each for each in KINDS if each.type_name == product.type_name]
    ids = owner.ids()
    before = [each.see(holder, ids[each.key]) for each in kinds]
    other = Operator(clients, owner.target, cluster=second)
    with recorded(clients, holder.account) as calls:
        (end,) = other.create()
        assert isinstance(end, Foreign)
        assert f"{product.label} {ids[product.key]}" in end.resources
        other.composite().relinquish()
        other.composite().delete()
        assert other.delete() == [Done()]
    assert not changes(calls)
    assert [each.see(holder, ids[each.key]) for each in kinds] == before
    assert owner.create() == [Done()]
    assert owner.delete()[-1] == Done()


@pytest.mark.parametrize("product", [KINDS[0], KINDS[2]], ids=lambda each: each.type_name)
def test_what_was_made_before_the_cluster_had_a_name_stays_ours(
    product: Kind, clients: Clients, holder: Holder
) -> None:
    operator = made(product, clients, holder)
    assert operator.create()[-1] == Done()
    operator = replace(operator, cluster="eu-1")
    assert operator.create() == [Done()]
    assert operator.delete()[-1] == Done()


def changes(calls: list[str]) -> list[str]:
    return [each for each in calls if not is_read(each)]


@every_kind
@every_strange
def test_it_is_never_taken_up(
    kind: Kind, strange: Callable[[Tags], Tags], clients: Clients, holder: Holder
) -> None:
    operator = made(kind, clients, holder)
    name = operator.ids()[kind.key]
    kind.take(holder, name)
    kind.tag(holder, name, strange(operator.target.identity.tags()))
    before = kind.see(holder, name)
    told = f"{kind.label} {name}"
    with recorded(clients, holder.account) as calls:
        assert refused(operator) == told
        with pytest.raises(ConflictError, match=f"{told} exists without our tags"):
            operator.composite().create()
        operator.composite().relinquish()
        operator.composite().delete()
        for policy in (DeletionPolicy.RETAIN, DeletionPolicy.DELETE):
            operator.target = replace(operator.target, deletion_policy=policy)
            assert operator.delete() == [Done()]
    assert not changes(calls)
    assert kind.see(holder, name) == before


LOST: Final = {each: STRANGE[each] for each in ("no tags", "another project", "another service")}


@every_kind
@pytest.mark.parametrize("strange", LOST.values(), ids=LOST)
def test_it_is_let_go_once_its_tags_say_so(
    kind: Kind, strange: Callable[[Tags], Tags], clients: Clients, holder: Holder
) -> None:
    """Its owner has retagged what we made. From then on it is as if we had never made it."""
    operator = made(kind, clients, holder)
    assert operator.create()[-1] == Done()
    name = operator.ids()[kind.key]
    kind.tag(holder, name, strange(operator.target.identity.tags()))
    before = kind.see(holder, name)
    told = f"{kind.label} {name}"
    with recorded(clients, holder.account) as calls:
        if kind.bulk:
            assert operator.create() == [Done()]
        else:
            assert refused(operator) == told
        with pytest.raises(ConflictError, match=f"{told} exists without our tags"):
            operator.composite().create()
    assert not changes(calls)
    operator.delete()
    assert kind.see(holder, name) == before
