"""Project: the namespace of one application, with its Stages below it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from setops.api import names
from setops.api.conditions import Condition
from setops.api.model import Form, Model
from setops.api.organization import UserName

OrganizationName = Annotated[
    str,
    StringConstraints(max_length=40),
    Form(
        names.ORGANIZATION_NAME.pattern,
        "an Organization's name: 1 to 40 lowercase letters, digits and dashes",
    ),
]


class Member(Model):
    """A user and their role."""

    user: UserName = Field(description="User name as the API server knows it.")
    role: Literal["admin", "member"] = Field(
        "member", description="admin manages, member uses; see the permission table."
    )


Members = Annotated[list[Member], Field(max_length=200)]
MEMBERS_LIST_MAP: Final[dict[str, Any]] = {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["user"],
}


class ProjectSpec(Model):
    """A Project: its Organization and its members."""

    organization: OrganizationName = Field(description="Name of the Organization that hosts it.")
    members: Members | None = Field(
        None,
        description="Users with a role on the Project and all its Stages (not enforced by this "
        "version yet).",
        json_schema_extra=MEMBERS_LIST_MAP,
    )


class ProjectStatus(Model):
    """The Project's namespace and Stages."""

    observed_generation: int | None = Field(None, description="Generation this status is of.")
    conditions: Annotated[list[Condition], Field(max_length=8)] | None = Field(
        None, description="Ready, Reconciling, Stalled.", json_schema_extra=Condition.list_map()
    )
    namespace: str | None = Field(None, description="Namespace that holds the Project's Stages.")
    stages: Annotated[list[str], Field(max_length=1000)] | None = Field(
        None, description="Names of the Stages."
    )
