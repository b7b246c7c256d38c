"""RDS: the subnet group and the parameter groups of one Service's database.

Source of what a parameter group does when: the Amazon RDS User Guide (parameter groups).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from setops.aws.errors import code_of, tolerate
from setops.aws.ownership import Owner, owner_by, tag_list
from setops.aws.product import Described, Difference
from setops.aws.target import Identity

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient

PARAMETERS: Final = "parameterGroup.parameters"
"""Path of a difference."""


@dataclass(frozen=True, slots=True)
class SubnetGroup:
    """The subnet group `name` of a Service, whether it exists or not."""

    rds: RDSClient
    name: str
    identity: Identity

    def owner(self, found: Described | None) -> Owner:
        arn = found["DBSubnetGroupArn"] if found else ""
        return _owner(self.rds, arn, self.identity, "DBSubnetGroupNotFoundFault")

    def find(self) -> Described | None:
        try:
            found = self.rds.describe_db_subnet_groups(DBSubnetGroupName=self.name)
        except ClientError as exc:
            if code_of(exc) == "DBSubnetGroupNotFoundFault":
                return None
            raise
        return next(iter(found["DBSubnetGroups"]), None)

    def create(self, subnets: tuple[str, ...]) -> None:
        """Makes the group. One that exists is left as it is; look at its owner next."""
        with tolerate("DBSubnetGroupAlreadyExists"):
            self.rds.create_db_subnet_group(
                DBSubnetGroupName=self.name,
                DBSubnetGroupDescription=f"Service {self.identity.service}",
                SubnetIds=list(subnets),
                Tags=tag_list(self.identity.tags()),
            )

    def delete(self) -> None:
        with tolerate("DBSubnetGroupNotFoundFault"):
            self.rds.delete_db_subnet_group(DBSubnetGroupName=self.name)


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    """The parameter group `name` of a Service for one family, whether it exists or not."""

    rds: RDSClient
    name: str
    family: str
    identity: Identity

    def owner(self, found: Described | None) -> Owner:
        arn = found["DBParameterGroupArn"] if found else ""
        return _owner(self.rds, arn, self.identity, "DBParameterGroupNotFound")

    def find(self) -> Described | None:
        try:
            found = self.rds.describe_db_parameter_groups(DBParameterGroupName=self.name)
        except ClientError as exc:
            if code_of(exc) == "DBParameterGroupNotFound":
                return None
            raise
        return next(iter(found["DBParameterGroups"]), None)

    def create(self) -> None:
        """Makes the group. One that exists is left as it is; look at its owner next."""
        with tolerate("DBParameterGroupAlreadyExists"):
            self.rds.create_db_parameter_group(
                DBParameterGroupName=self.name,
                DBParameterGroupFamily=self.family,
                Description=f"Service {self.identity.service}",
                Tags=tag_list(self.identity.tags()),
            )

    def differences(self, wanted: Mapping[str, str]) -> Iterator[Difference]:
        """Which parameters don't have the value that is wanted of them."""
        pages = self.rds.get_paginator("describe_db_parameters").paginate(
            DBParameterGroupName=self.name, Source="user"
        )
        actual = {
            each["ParameterName"]: each.get("ParameterValue", "")
            for page in pages
            for each in page["Parameters"]
        }
        if any(actual.get(name) != value for name, value in wanted.items()):
            there = ", ".join(f"{name}={actual.get(name, '(default)')}" for name in wanted)
            yield Difference(PARAMETERS, ", ".join(f"{n}={v}" for n, v in wanted.items()), there)

    def put(self, parameters: Mapping[str, str]) -> None:
        """Sets those that differ: at once where AWS can, else with the instance's next reboot."""
        if not any(self.differences(parameters)):
            return
        dynamic = self._dynamic(parameters)
        self.rds.modify_db_parameter_group(
            DBParameterGroupName=self.name,
            Parameters=[
                {
                    "ParameterName": name,
                    "ParameterValue": value,
                    "ApplyMethod": "immediate" if name in dynamic else "pending-reboot",
                }
                for name, value in parameters.items()
            ],
        )

    def _dynamic(self, names: Collection[str]) -> set[str]:
        """Those that AWS can set without a reboot; it depends on the version of PostgreSQL."""
        pages = self.rds.get_paginator("describe_db_parameters").paginate(
            DBParameterGroupName=self.name
        )
        return {
            each["ParameterName"]
            for page in pages
            for each in page["Parameters"]
            if each["ParameterName"] in names and each.get("ApplyType") == "dynamic"
        }

    def delete(self) -> None:
        with tolerate("DBParameterGroupNotFound"):
            self.rds.delete_db_parameter_group(DBParameterGroupName=self.name)


def _owner(rds: RDSClient, arn: str, identity: Identity, missing: str) -> Owner:
    if not arn:
        return Owner.NOBODY
    try:
        tags = rds.list_tags_for_resource(ResourceName=arn)["TagList"]
    except ClientError as exc:
        if code_of(exc) == missing:
            return Owner.NOBODY
        raise
    return owner_by(tags, identity)
