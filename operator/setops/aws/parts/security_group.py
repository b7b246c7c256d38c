"""An EC2 security group: who may reach a Service, on one port."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from setops.aws.api_use import ACCOUNT, NETWORK, QUOTA, TAGGED, TAGGING, ApiUse, Statement
from setops.aws.clients import AccountClients
from setops.aws.errors import tolerate
from setops.aws.identity import MANAGED_BY, TAG_MANAGED_BY
from setops.aws.observation import Found
from setops.aws.ownership import tag_list, tags_by_key
from setops.aws.part import Field, Part
from setops.aws.target import Placement

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import IpPermissionTypeDef, SecurityGroupTypeDef

INGRESS: Final = "securityGroup.ingress"

_SECURITY_GROUPS: Final = f"arn:aws:ec2:*:{ACCOUNT}:security-group/*"

API: Final = ApiUse(
    client="ec2",
    operations=(
        "AuthorizeSecurityGroupIngress",
        "CreateSecurityGroup",
        "DeleteSecurityGroup",
        "DescribeSecurityGroups",
        "RevokeSecurityGroupIngress",
    ),
    statements=(
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
            TAGGING,
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
            {
                **TAGGING,
                "StringEquals": {
                    **TAGGING["StringEquals"],
                    "ec2:CreateAction": "CreateSecurityGroup",
                },
            },
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
            TAGGED,
        ),
    ),
    actions={"CreateSecurityGroup": ("ec2:CreateSecurityGroup", "ec2:CreateTags")},
    wait_codes=frozenset({"DependencyViolation", "InvalidGroup.Duplicate", "InvalidGroup.InUse"}),
    stall_codes={
        "InvalidGroup.NotFound": NETWORK,
        "InvalidGroupId.Malformed": NETWORK,
        "InvalidSecurityGroupID.NotFound": NETWORK,
        "InvalidSubnetID.NotFound": NETWORK,
        "InvalidVpcID.NotFound": NETWORK,
        "RulesPerSecurityGroupLimitExceeded": QUOTA,
        "SecurityGroupLimitExceeded": QUOTA,
    },
)


@dataclass(frozen=True)
class SecurityGroup(Part):
    """The group `id` in the placement's VPC. It opens `port` to the groups that may reach it."""

    kind: ClassVar[str] = "securityGroup"
    label: ClassVar[str] = "security group"
    api: ClassVar[ApiUse] = API
    auxiliary: ClassVar[bool] = True

    ec2: EC2Client
    port: int
    placement: Placement

    @classmethod
    def inventory(cls, clients: AccountClients) -> Mapping[str, Found]:
        """All groups that carry our tag, in any VPC."""
        ours = [{"Name": f"tag:{TAG_MANAGED_BY}", "Values": [MANAGED_BY]}]
        groups = _groups(clients.client("ec2"), ours)
        return {f"{each['VpcId']}/{each['GroupName']}": each for each in groups}

    @property
    def inventory_key(self) -> str:
        return f"{self.placement.vpc_id}/{self.id}"

    def find(self) -> Found | None:
        filters = [
            {"Name": "vpc-id", "Values": [self.placement.vpc_id]},
            {"Name": "group-name", "Values": [self.id]},
        ]
        return next(iter(_groups(self.ec2, filters)), None)

    def tags(self, found: Found) -> Mapping[str, str]:
        return tags_by_key(found.get("Tags", []))

    def create(self, ids: Mapping[str, str]) -> None:  # noqa: ARG002
        """Create the group. It is closed until `put` opens the port."""
        tags = tag_list(self.identity.tags())
        with tolerate("InvalidGroup.Duplicate"):
            self.ec2.create_security_group(
                GroupName=self.id,
                Description=f"Who may reach {self.identity}",
                VpcId=self.placement.vpc_id,
                TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
            )

    def reference(self, found: Found) -> str:
        """The id that AWS has given the group."""
        return str(found["GroupId"])

    def fields(self, found: Found, ids: Mapping[str, str]) -> Iterable[Field]:  # noqa: ARG002
        yield Field(INGRESS, _shown(self._wanted()), _shown(_opened(found)))

    def put(self, found: Found, fields: Sequence[Field]) -> Iterator[str]:
        """Open the port to the groups that may reach it, and close everything else."""
        wanted, actual = self._wanted(), _opened(found)
        missing, surplus = wanted - actual, actual - wanted
        if missing:
            with tolerate("InvalidPermission.Duplicate"):
                self.ec2.authorize_security_group_ingress(
                    GroupId=found["GroupId"], IpPermissions=_permissions(missing)
                )
        if surplus:
            with tolerate("InvalidPermission.NotFound"):
                self.ec2.revoke_security_group_ingress(
                    GroupId=found["GroupId"], IpPermissions=_permissions(surplus)
                )
        yield from (each.path for each in fields)

    def delete(self, found: Found) -> bool:
        with tolerate("InvalidGroup.NotFound"):
            self.ec2.delete_security_group(GroupId=found["GroupId"])
        return True

    def _wanted(self) -> set[_Opening]:
        return {
            _Opening("tcp", self.port, self.port, "group", source)
            for source in self.placement.security_group_ids
        }


@dataclass(frozen=True, slots=True)
class _Opening:
    """One source that may reach one range of ports. Ports are -1 if the protocol has none."""

    protocol: str
    low: int
    high: int
    kind: str
    source: str

    def __str__(self) -> str:
        ports = str(self.low) if self.low == self.high else f"{self.low}-{self.high}"
        return f"{self.protocol} {ports} from {self.source}"


_SOURCES: Final = {
    "group": ("UserIdGroupPairs", "GroupId"),
    "ipv4": ("IpRanges", "CidrIp"),
    "ipv6": ("Ipv6Ranges", "CidrIpv6"),
    "prefixes": ("PrefixListIds", "PrefixListId"),
}
"""The field of a permission that lists each kind of source, and the field of its id."""


def _opened(found: Found) -> set[_Opening]:
    return {
        _Opening(
            permission["IpProtocol"],
            permission.get("FromPort", -1),
            permission.get("ToPort", -1),
            kind,
            source[name],
        )
        for permission in found.get("IpPermissions", [])
        for kind, (listed, name) in _SOURCES.items()
        for source in permission.get(listed, [])
    }


def _permissions(openings: set[_Opening]) -> Sequence[IpPermissionTypeDef]:
    made: list[Any] = []
    for opening in sorted(openings, key=str):
        listed, name = _SOURCES[opening.kind]
        ports = {} if opening.low < 0 else {"FromPort": opening.low, "ToPort": opening.high}
        made.append(
            {"IpProtocol": opening.protocol, **ports, listed: [{name: opening.source}]},
        )
    return made


def _shown(openings: set[_Opening]) -> str:
    return ", ".join(sorted(map(str, openings))) or "closed"


def _groups(ec2: EC2Client, filters: Any) -> Iterator[SecurityGroupTypeDef]:
    for page in ec2.get_paginator("describe_security_groups").paginate(Filters=filters):
        yield from page["SecurityGroups"]
