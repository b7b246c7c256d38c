"""A DB parameter group: settings of a database engine, for one major version of it.

Source of when parameters take effect: the Amazon RDS User Guide (parameter groups).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from botocore.exceptions import ClientError

from setops.aws.api_use import ApiUse
from setops.aws.clients import AccountClients
from setops.aws.errors import code_of, tolerate
from setops.aws.observation import Found
from setops.aws.ownership import tag_list
from setops.aws.part import Field, Part
from setops.aws.parts.rds import API, group_tags

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient

PARAMETERS: Final = "parameterGroup.parameters"

_MISSING: Final = "DBParameterGroupNotFound"


@dataclass(frozen=True)
class ParameterGroup(Part):
    """The parameter group `id` of a major version. AWS binds it to that version's `family`."""

    kind: ClassVar[str] = "parameterGroup"
    label: ClassVar[str] = "DB parameter group"
    api: ClassVar[ApiUse] = API
    gone_codes: ClassVar[frozenset[str]] = frozenset({_MISSING})
    auxiliary: ClassVar[bool] = True
    tags_listed: ClassVar[bool] = False

    rds: RDSClient
    major: str
    family: str
    parameters: Mapping[str, str]

    @classmethod
    def key_of(cls, major: str) -> str:
        """The key of the group for a major version."""
        return f"{cls.kind}{major}"

    @classmethod
    def majors_in(cls, ids: Mapping[str, str]) -> tuple[str, ...]:
        """The major versions of the groups among stored ids."""
        return tuple(key.removeprefix(cls.kind) for key in ids if key.startswith(cls.kind))

    @property
    def key(self) -> str:
        return self.key_of(self.major)

    @classmethod
    def inventory(cls, clients: AccountClients) -> Mapping[str, Found]:
        rds: RDSClient = clients.client("rds")
        pages = rds.get_paginator("describe_db_parameter_groups").paginate()
        return {
            each["DBParameterGroupName"]: each
            for page in pages
            for each in page["DBParameterGroups"]
        }

    def find(self) -> Found | None:
        try:
            found = self.rds.describe_db_parameter_groups(DBParameterGroupName=self.id)
        except ClientError as exc:
            if code_of(exc) == _MISSING:
                return None
            raise
        return next(iter(found["DBParameterGroups"]), None)

    def tags(self, found: Found) -> Mapping[str, str] | None:
        return group_tags(self.rds, found["DBParameterGroupArn"], _MISSING)

    def create(self, ids: Mapping[str, str]) -> None:  # noqa: ARG002
        """Create the group. Its parameters can only be set afterwards."""
        with tolerate("DBParameterGroupAlreadyExists"):
            self.rds.create_db_parameter_group(
                DBParameterGroupName=self.id,
                DBParameterGroupFamily=self.family,
                Description=str(self.identity),
                Tags=tag_list(self.identity.tags()),
            )

    def examine(self, found: Found) -> Found:
        pages = self.rds.get_paginator("describe_db_parameters").paginate(
            DBParameterGroupName=self.id, Source="user"
        )
        set_ones = {
            each["ParameterName"]: each.get("ParameterValue", "")
            for page in pages
            for each in page["Parameters"]
        }
        return {**found, "Parameters": set_ones}

    def fields(self, found: Found, ids: Mapping[str, str]) -> Iterable[Field]:  # noqa: ARG002
        there: Mapping[str, str] = found["Parameters"]
        actual = {name: there.get(name, "(default)") for name in self.parameters}
        yield Field(PARAMETERS, _shown(self.parameters), _shown(actual))

    def put(self, found: Found, fields: Sequence[Field]) -> Iterator[str]:  # noqa: ARG002
        """Set the parameters: at once if AWS can, else with the instance's next reboot."""
        dynamic = self._dynamic()
        self.rds.modify_db_parameter_group(
            DBParameterGroupName=self.id,
            Parameters=[
                {
                    "ParameterName": name,
                    "ParameterValue": value,
                    "ApplyMethod": "immediate" if name in dynamic else "pending-reboot",
                }
                for name, value in self.parameters.items()
            ],
        )
        yield from (each.path for each in fields)

    def delete(self, found: Found) -> bool:  # noqa: ARG002
        with tolerate(_MISSING):
            self.rds.delete_db_parameter_group(DBParameterGroupName=self.id)
        return True

    def _dynamic(self) -> set[str]:
        """The parameters that AWS can set without a reboot. It depends on the engine's version."""
        pages = self.rds.get_paginator("describe_db_parameters").paginate(
            DBParameterGroupName=self.id
        )
        return {
            each["ParameterName"]
            for page in pages
            for each in page["Parameters"]
            if each["ParameterName"] in self.parameters and each.get("ApplyType") == "dynamic"
        }


def _shown(parameters: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items())
