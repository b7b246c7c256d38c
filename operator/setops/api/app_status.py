"""The status of an App."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from setops.api.conditions import Condition
from setops.api.model import Model


class ValidationRecord(Model):
    """A DNS record that the user must create so that a domain can serve traffic."""

    type: str = Field(description="Type of the record: CNAME or A.")
    name: str = Field(description="Name of the record.")
    value: str = Field(description="Value of the record.")


class DomainStatus(Model):
    """What is known of a custom domain."""

    name: str = Field(description="The domain.")
    validated: bool = Field(
        False, description="Whether the domain is validated and serves traffic."
    )
    records: Annotated[list[ValidationRecord], Field(max_length=10)] | None = Field(
        None, description="Records to set at the domain's DNS provider."
    )


class AppStatus(Model):
    """What is running of an App."""

    observed_generation: int | None = Field(None, description="Generation this status is of.")
    conditions: Annotated[list[Condition], Field(max_length=8)] | None = Field(
        None, description="Ready, Reconciling, Stalled.", json_schema_extra=Condition.list_map()
    )
    replicas: int | None = Field(None, description="Containers that exist.")
    ready_replicas: int | None = Field(None, description="Containers that pass their checks.")
    selector: str | None = Field(None, description="Label selector of the App's pods.")
    release: str | None = Field(None, description="Number of the release that runs, or the image.")
    url: str | None = Field(None, description="Where the App can be reached.")
    domains: Annotated[list[DomainStatus], Field(max_length=200)] | None = Field(
        None, description="Custom domains with their validation records."
    )
