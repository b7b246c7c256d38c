"""A DB subnet group: the subnets of the Organization in which a database lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from botocore.exceptions import ClientError

from setops.aws.api_use import ApiUse
from setops.aws.clients import AccountClients
from setops.aws.errors import code_of, tolerate
from setops.aws.observation import Found
from setops.aws.ownership import tag_list
from setops.aws.part import Part
from setops.aws.parts.rds import API, group_tags

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient

_MISSING: Final = "DBSubnetGroupNotFoundFault"


@dataclass(frozen=True)
class SubnetGroup(Part):
    """The subnet group `id`."""

    kind: ClassVar[str] = "subnetGroup"
    label: ClassVar[str] = "DB subnet group"
    api: ClassVar[ApiUse] = API
    auxiliary: ClassVar[bool] = True
    tags_listed: ClassVar[bool] = False

    rds: RDSClient
    subnets: tuple[str, ...]

    @classmethod
    def inventory(cls, clients: AccountClients) -> Mapping[str, Found]:
        rds: RDSClient = clients.client("rds")
        pages = rds.get_paginator("describe_db_subnet_groups").paginate()
        return {
            each["DBSubnetGroupName"]: each for page in pages for each in page["DBSubnetGroups"]
        }

    def find(self) -> Found | None:
        try:
            found = self.rds.describe_db_subnet_groups(DBSubnetGroupName=self.id)
        except ClientError as exc:
            if code_of(exc) == _MISSING:
                return None
            raise
        return next(iter(found["DBSubnetGroups"]), None)

    def tags(self, found: Found) -> Mapping[str, str] | None:
        return group_tags(self.rds, found["DBSubnetGroupArn"], _MISSING)

    def create(self, ids: Mapping[str, str]) -> Found | None:  # noqa: ARG002
        with tolerate("DBSubnetGroupAlreadyExists"):
            return self.rds.create_db_subnet_group(
                DBSubnetGroupName=self.id,
                DBSubnetGroupDescription=str(self.identity),
                SubnetIds=list(self.subnets),
                Tags=tag_list(self.identity.tags()),
            )["DBSubnetGroup"]
        return None

    def delete(self, found: Found) -> bool:  # noqa: ARG002
        with tolerate(_MISSING):
            self.rds.delete_db_subnet_group(DBSubnetGroupName=self.id)
        return True
