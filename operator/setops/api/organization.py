"""Organization: the topmost entity. It is bound to one AWS account and hosts Projects."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from setops.api.conditions import Condition
from setops.api.image import Registry
from setops.api.model import Form, Model

_HOST: Final = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"

UserName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
AccountId = Annotated[
    str, StringConstraints(max_length=12), Form("[0-9]{12}", "the 12 digits of an AWS account")
]
Region = Annotated[
    str,
    StringConstraints(max_length=32),
    Form("[a-z]{2}(-[a-z]+)+-[0-9]", "an AWS region such as eu-central-1"),
]
RoleArn = Annotated[
    str,
    StringConstraints(max_length=2048),
    Form(
        r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[^\x00-\x20\x7f]+",
        "the ARN of an IAM role such as arn:aws:iam::123456789012:role/setops",
    ),
]
EndpointUrl = Annotated[
    str,
    StringConstraints(max_length=2048),
    Form(r"https?://[^\x00-\x20\x7f]+", "a URL that begins with http:// or https://"),
]
VpcId = Annotated[
    str, StringConstraints(max_length=32), Form("vpc-[0-9a-z]+", "a VPC's id such as vpc-0a1b2c3d")
]
SubnetId = Annotated[
    str,
    StringConstraints(max_length=32),
    Form("subnet-[0-9a-z]+", "a subnet's id such as subnet-0a1b2c3d"),
]
SecurityGroupId = Annotated[
    str,
    StringConstraints(max_length=32),
    Form("sg-[0-9a-z]+", "a security group's id such as sg-0a1b2c3d"),
]
DomainName = Annotated[
    str,
    StringConstraints(max_length=253),
    Form(_HOST, "a domain in lowercase such as apps.example.com"),
]


class Aws(Model):
    """The AWS account, and how the operator accesses it."""

    account_id: AccountId = Field(description="The 12 digits of the AWS account.")
    region: Region = Field(
        description="Region in which Services are created, such as eu-central-1."
    )
    role_arn: RoleArn | None = Field(
        None, description="Role that the operator assumes in the account."
    )
    external_id: Annotated[str, StringConstraints(min_length=2, max_length=1224)] | None = Field(
        None, description="External id that the role's trust policy asks for."
    )
    endpoint_url: EndpointUrl | None = Field(
        None, description="Endpoint instead of AWS' own, for emulators and VPC endpoints."
    )


class OrganizationNetwork(Model):
    """Where in the account's network Services are placed."""

    vpc_id: VpcId | None = Field(None, description="The VPC of the cluster.")
    private_subnet_ids: Annotated[list[SubnetId], Field(max_length=32)] | None = Field(
        None, description="Subnets for databases and caches."
    )
    public_subnet_ids: Annotated[list[SubnetId], Field(max_length=32)] | None = Field(
        None, description="Subnets for public load balancers."
    )
    security_group_ids: Annotated[list[SecurityGroupId], Field(max_length=32)] | None = Field(
        None, description="Security groups that may reach databases."
    )


class OrganizationSpec(Model):
    """An Organization: its AWS account, domain and registry."""

    aws: Aws = Field(description="The AWS account, and how the operator accesses it.")
    domain: DomainName = Field(description="Domain below which Apps get their default names.")
    network: OrganizationNetwork | None = Field(
        None, description="Where in the account's network the Services live."
    )
    registry: Registry | None = Field(
        None, description="Host and path of the registry before <organization>/<project>/…"
    )
    admins: Annotated[list[UserName], Field(max_length=100)] | None = Field(
        None,
        description="User names of the Organization's administrators (not enforced by this "
        "version yet).",
    )


class OrganizationStatus(Model):
    """What the Organization hosts, and whether its AWS account is reachable."""

    observed_generation: int | None = Field(None, description="Generation this status is of.")
    conditions: Annotated[list[Condition], Field(max_length=8)] | None = Field(
        None,
        description="Ready, Reconciling, Stalled, Reachable.",
        json_schema_extra=Condition.list_map(),
    )
    projects: int | None = Field(None, description="Number of Projects.")
