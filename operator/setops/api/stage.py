"""Stage: a self-contained environment of a Project, in a namespace of its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from setops.api.conditions import Condition
from setops.api.model import Model
from setops.api.project import MEMBERS_LIST_MAP, Members


class Quota(Model):
    """The limits for all containers of a Stage together."""

    cpu: int | None = Field(None, ge=128, description="CPU units reserved, 1024 for one vCPU.")
    memory: int | None = Field(None, ge=128, description="Memory in MB.")
    containers: int | None = Field(None, ge=1, description="Number of containers.")


class StageSpec(Model):
    """A Stage's settings; its Apps and Services are resources in its namespace."""

    log_retention_days: int = Field(
        14,
        ge=1,
        le=3653,
        description="Days that logs are kept, 1 to 3653 (this version doesn't act on it yet).",
    )
    quota: Quota | None = Field(
        None, description="Limits for all containers of the Stage together."
    )
    members: Members | None = Field(
        None,
        description="Users with a role on this Stage alone (not enforced by this version yet).",
        json_schema_extra=MEMBERS_LIST_MAP,
    )
    deletion_protection: bool = Field(
        False, description="Whether deleting the Stage and what is in it is refused."
    )
    pod_security: Literal["baseline", "restricted"] = Field(
        "baseline",
        description="Pod Security Standard of the namespace. restricted refuses images that run "
        "as root.",
    )
    image_pull_secrets: (
        Annotated[
            list[Annotated[str, StringConstraints(min_length=1, max_length=253)]],
            Field(max_length=16),
        ]
        | None
    ) = Field(None, description="Secrets in the Stage's namespace that hold registry credentials.")


class StageLock(Model):
    """The Changeset that is changing the Stage right now."""

    changeset: str = Field(description="Name of the Changeset that holds the lock.")
    uid: str = Field(description="Its uid.")
    user: str | None = Field(None, description="Its user.")
    since: str = Field(
        description="Since when, RFC 3339.", json_schema_extra={"format": "date-time"}
    )
    waiting_for: str | None = Field(
        None, description="The App or Service that it waits for, and in which state that is."
    )


class StageStatus(Model):
    """What is running on the Stage."""

    observed_generation: int | None = Field(None, description="Generation this status is of.")
    conditions: Annotated[list[Condition], Field(max_length=8)] | None = Field(
        None, description="Ready, Reconciling, Stalled.", json_schema_extra=Condition.list_map()
    )
    namespace: str | None = Field(None, description="Namespace that holds Apps and Services.")
    revision: int | None = Field(None, description="Number of the last committed revision.")
    current_changeset: StageLock | None = Field(
        None, description="The Changeset that holds the Stage's lock."
    )
    apps: int | None = Field(None, description="Number of Apps.")
    ready_apps: int | None = Field(None, description="Number of Apps that are ready.")
    services: int | None = Field(None, description="Number of Services.")
    ready_services: int | None = Field(None, description="Number of Services that are ready.")
