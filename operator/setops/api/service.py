"""Service: a backing component that Apps link, such as a bucket or a database.

Types and options come from the catalogue, which also checks what each type takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints, create_model, field_validator

from setops.api.catalogue import TYPES
from setops.api.conditions import Condition
from setops.api.model import Form, Model, rules
from setops.api.option_fields import option_fields
from setops.api.organization import OrganizationNetwork

Version = Annotated[
    str, StringConstraints(max_length=32), Form(r"[0-9]+(\.[0-9x]+)*", "a version such as 16.4")
]
Plan = Annotated[
    str,
    StringConstraints(max_length=64),
    Form("[a-z0-9][a-z0-9.-]*", "a plan such as db.t3.micro or db.t3.micro.ha"),
]


if TYPE_CHECKING:
    # mypy can't follow what is made from the catalogue at run time. To mypy, a type's name is a str
    # and the options are a model without known fields.
    TypeName = str

    class ServiceOptions(Model):
        """Options of a Service; each type takes some of them."""
else:
    TypeName = Literal[tuple(TYPES)]
    ServiceOptions = create_model(
        "ServiceOptions",
        __base__=Model,
        __module__=__name__,
        __doc__="Options of a Service; each type takes some of them.",
        **option_fields(TYPES.values()),
    )


class ServiceSpec(Model):
    """A Service in a Stage's definition."""

    type: TypeName = Field(
        description="What it is. Can't be changed later.",
        json_schema_extra=rules(
            (
                "self == oldSelf",
                "type can't be changed; create a Service under another name",
            )
        ),
    )
    version: Version | None = Field(
        None, description="Version of the product, such as 16.4. Unset: the newest known."
    )
    plan: Plan | None = Field(
        None, description="Size, such as db.t3.micro; suffix .ha for high availability."
    )
    options: ServiceOptions | None = Field(None, description="Options of the type.")
    backup_retention_days: int | None = Field(
        None, ge=0, le=35, description="Days that automatic backups are kept, 0 to 35."
    )
    deletion_policy: Literal["Snapshot", "Retain", "Delete"] | None = Field(
        None,
        description="What deleting does with the data: Snapshot keeps a final snapshot, Retain "
        "leaves it at AWS, Delete destroys it. Unset: Snapshot where AWS has one, else Retain.",
    )

    @field_validator("options")
    @classmethod
    def _unset_is_absent(cls, value: ServiceOptions | None) -> ServiceOptions | None:
        return None if value == ServiceOptions() else value


class RolledBack(Model):
    """A rollback that deletes the Service again which its commit has created."""

    changeset: str = Field(description="Name of the Changeset that is rolled back.")
    uid: str = Field(description="Its uid.")
    deleting: bool | None = Field(
        None, description="Whether the deletion that the rollback has begun is being carried out."
    )


class VersionPutBack(Model):
    """A rollback that has restored an older version."""

    version: str = Field(description="The version that it has restored.")
    taken: str = Field(description="The newer version, which AWS may have installed already.")
    changeset: str = Field(description="Name of the Changeset that was rolled back.")
    uid: str = Field(description="Its uid.")


class AskedChange(Model):
    """Something that AWS has accepted and doesn't show yet."""

    path: str | None = Field(
        None, description="Setting that is to change; absent for the deletion of the resource."
    )
    wanted: str | None = Field(None, description="Its value as wanted.")
    actual: str | None = Field(None, description="Its value when AWS was asked.")
    at: str = Field(description="When AWS was asked.")
    last: str = Field(description="When AWS was last seen at work on it, in steps of ten minutes.")


class ServiceStatus(Model):
    """What is known of the AWS resources behind a Service."""

    observed_generation: int | None = Field(None, description="Generation this status is of.")
    conditions: Annotated[list[Condition], Field(max_length=8)] | None = Field(
        None, description="Ready, Reconciling, Stalled.", json_schema_extra=Condition.list_map()
    )
    state: str | None = Field(None, description="State as AWS names it.")
    arn: str | None = Field(None, description="ARN of the AWS resource that holds the data.")
    endpoint: str | None = Field(None, description="Host and port, or the address, without secret.")
    secret: str | None = Field(None, description="Secret that holds what linked Apps get.")
    target: ServiceTarget | None = Field(
        None, description="Where it was created, so that it can be deleted from there."
    )
    ids: (
        Annotated[dict[str, Annotated[str, Field(max_length=255)]], Field(max_length=32)] | None
    ) = Field(
        None,
        description="Names of the AWS resources that it is made of, by part, such as instance or "
        "bucket. Written before the first of them is created; they are found by these.",
    )
    asked: Annotated[list[AskedChange], Field(max_length=64)] | None = Field(
        None,
        description="What AWS has accepted and doesn't show yet. It isn't asked for again before "
        "an hour has passed.",
    )
    adopted: bool | None = Field(
        None,
        description="Whether it adopted what an earlier Service of its name left at AWS, "
        "which a rollback doesn't delete.",
    )
    rolled_back: RolledBack | None = Field(
        None,
        description="Set while a failed commit removes the Service again. Whatever its deletion "
        "policy, what was created for it at AWS is deleted; what existed before stays.",
    )
    version_put_back: VersionPutBack | None = Field(
        None,
        description="Set after a rollback has restored an older version. If AWS has already "
        "upgraded, the newer version stays, since AWS can't downgrade.",
    )


class ServiceTarget(Model):
    """The AWS account and the identity of a Service, recorded before anything is created."""

    account_id: str = Field(description="AWS account.")
    region: str = Field(description="AWS region.")
    role_arn: str | None = Field(None, description="Role that is assumed.")
    external_id: str | None = Field(None, description="External id of that role's trust.")
    endpoint_url: str | None = Field(None, description="Endpoint instead of AWS' own.")
    network: OrganizationNetwork | None = Field(
        None, description="Where in the account's network it lives."
    )
    organization: str = Field(description="Organization in tags and names.")
    project: str = Field(description="Project in tags and names.")
    stage: str = Field(description="Stage in tags and names.")
