"""An EC2 security group of a Service: who may reach it, on one port."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from setops.aws.errors import tolerate
from setops.aws.ownership import Owner, owner_by, tag_list
from setops.aws.product import Described, Difference
from setops.aws.target import MANAGED_BY, TAG_MANAGED_BY, Identity, Network

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import IpPermissionTypeDef, SecurityGroupTypeDef

INGRESS: Final = "securityGroup.ingress"
"""Path of a difference."""


def by_vpc_and_name(ec2: EC2Client) -> dict[str, Described]:
    """All groups that carry our tag, in any VPC, by `<vpc>/<name>`."""
    ours = [{"Name": f"tag:{TAG_MANAGED_BY}", "Values": [MANAGED_BY]}]
    return {_key(group["VpcId"], group["GroupName"]): group for group in _groups(ec2, ours)}


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """The group `name` in the network's VPC, whether it exists or not; it opens `port`."""

    ec2: EC2Client
    name: str
    port: int
    network: Network
    identity: Identity

    @property
    def key(self) -> str:
        """Under which a survey lists it."""
        return _key(self.network.vpc_id, self.name)

    def find(self) -> Described | None:
        """The group as it is now, whoever made it."""
        filters = [
            {"Name": "vpc-id", "Values": [self.network.vpc_id]},
            {"Name": "group-name", "Values": [self.name]},
        ]
        return next(iter(_groups(self.ec2, filters)), None)

    def owner(self, found: Described | None) -> Owner:
        if found is None:
            return Owner.NOBODY
        return owner_by(found.get("Tags", []), self.identity)

    def create(self) -> None:
        """Makes the group, closed as yet. One that exists is left as it is."""
        tags = tag_list(self.identity.tags())
        with tolerate("InvalidGroup.Duplicate"):
            self.ec2.create_security_group(
                GroupName=self.name,
                Description=f"Who may reach Service {self.identity.service} of Stage "
                f"{self.identity.stage} in Project {self.identity.project}",
                VpcId=self.network.vpc_id,
                TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
            )

    def differences(self, found: Described) -> Iterator[Difference]:
        wanted, actual = self._wanted(), _opened(found)
        if actual != wanted:
            yield Difference(INGRESS, _told(wanted), _told(actual))

    def set_ingress(self, found: Described) -> None:
        """Opens the port to the network's security groups, and closes all else."""
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

    def delete(self, found: Described) -> None:
        with tolerate("InvalidGroup.NotFound"):
            self.ec2.delete_security_group(GroupId=found["GroupId"])

    def _wanted(self) -> set[_Opening]:
        return {
            _Opening("tcp", self.port, self.port, "group", source)
            for source in self.network.security_group_ids
        }


@dataclass(frozen=True, slots=True)
class _Opening:
    """One source that may reach one range of ports; ports are -1 where a protocol has none."""

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
"""Where a permission lists each kind of source, and what it calls it."""


def _opened(found: Described) -> set[_Opening]:
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


def _told(openings: set[_Opening]) -> str:
    return ", ".join(sorted(map(str, openings))) or "closed"


def _groups(ec2: EC2Client, filters: Any) -> Iterator[SecurityGroupTypeDef]:
    for page in ec2.get_paginator("describe_security_groups").paginate(Filters=filters):
        yield from page["SecurityGroups"]


def _key(vpc_id: str, name: str) -> str:
    return f"{vpc_id}/{name}"
