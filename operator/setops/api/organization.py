"""Organization: the topmost entity, bound to one AWS account; hosts Projects."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from setops.api.conditions import Condition
from setops.api.model import Model

_HOST: Final = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
_ID: Final = r"^[a-z]+-[0-9a-z]+$"

UserName = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Aws(Model):
    """The AWS account and how the operator gets into it."""

    account_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")] = Field(
        description="The 12 digits of the AWS account."
    )
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")] = Field(
        description="Region in which Services are created, such as eu-central-1."
    )
    role_arn: (
        Annotated[
            str,
            StringConstraints(max_length=2048, pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$"),
        ]
        | None
    ) = Field(None, description="Role that the operator assumes in the account.")
    external_id: Annotated[str, StringConstraints(min_length=2, max_length=1224)] | None = Field(
        None, description="External id that the role's trust policy asks for."
    )
    endpoint_url: (
        Annotated[str, StringConstraints(max_length=2048, pattern=r"^https?://")] | None
    ) = Field(None, description="Endpoint instead of AWS' own, for emulators and VPC endpoints.")


class OrganizationNetwork(Model):
    """Where in the account's network the Services live."""

    vpc_id: Annotated[str, StringConstraints(pattern=_ID)] | None = Field(
        None, description="The VPC of the cluster."
    )
    private_subnet_ids: (
        Annotated[list[Annotated[str, StringConstraints(pattern=_ID)]], Field(max_length=32)] | None
    ) = Field(None, description="Subnets for databases and caches.")
    public_subnet_ids: (
        Annotated[list[Annotated[str, StringConstraints(pattern=_ID)]], Field(max_length=32)] | None
    ) = Field(None, description="Subnets for public load balancers.")
    security_group_ids: (
        Annotated[list[Annotated[str, StringConstraints(pattern=_ID)]], Field(max_length=32)] | None
    ) = Field(None, description="Security groups that may reach databases.")


class OrganizationSpec(Model):
    """An Organization: its AWS account, domain and registry."""

    aws: Aws = Field(description="The AWS account and how the operator gets into it.")
    domain: Annotated[str, StringConstraints(max_length=253, pattern=f"^{_HOST}$")] = Field(
        description="Domain below which Apps get their default names."
    )
    network: OrganizationNetwork | None = Field(
        None, description="Where in the account's network the Services live."
    )
    registry: (
        Annotated[
            str,
            StringConstraints(
                max_length=255,
                pattern=r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9._-]+)*$",
            ),
        ]
        | None
    ) = Field(None, description="Host and path of the registry before <organization>/<project>/…")
    admins: Annotated[list[UserName], Field(max_length=100)] | None = Field(
        None, description="User names of those who may do everything in the Organization."
    )


class OrganizationStatus(Model):
    """What the Organization hosts."""

    observed_generation: int | None = Field(None, description="Generation this status is of.")
    conditions: Annotated[list[Condition], Field(max_length=8)] | None = Field(
        None, description="Ready, Reconciling, Stalled.", json_schema_extra=Condition.list_map()
    )
    projects: int | None = Field(None, description="Number of Projects.")
