"""An App's containers: how they are started, and what each of them gets.

Source of fields, limits and defaults: the platform's App settings. cpu is in units (1024 is one
vCPU), memory in MB as on ECS (MiB in Kubernetes), intervals in seconds.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from setops.api.model import Model, Passable

Argument = Annotated[str, StringConstraints(max_length=8192), Passable()]
Arguments = Annotated[list[Argument], Field(max_length=256)]


class ContainerHealthCheck(Model):
    """A command that runs inside the container. After `retries` failures the container is
    restarted."""

    command: Annotated[list[Argument], Field(min_length=1, max_length=256)] = Field(
        description="Command and arguments; exit code 0 means healthy."
    )
    interval: int = Field(10, ge=1, le=30, description="Seconds between two checks, 1 to 30.")
    timeout: int = Field(10, ge=1, le=30, description="Seconds a check may take, 1 to 30.")
    retries: int = Field(5, ge=1, le=30, description="Failures in a row that restart it, 1 to 30.")
    start_period: int = Field(
        15, ge=0, le=60, description="Seconds after the start in which failures don't count."
    )


class Container(Model):
    """How the container is started."""

    command: Arguments | None = Field(
        None, description="Arguments, as CMD of an image; absent: the image's own."
    )
    entrypoint: Arguments | None = Field(
        None, description="Program, as ENTRYPOINT of an image; absent: the image's own."
    )
    health_check: ContainerHealthCheck | None = Field(
        None, description="Command run inside the container that restarts it when it fails."
    )


class Resources(Model):
    """The resources of each container, and the number of containers."""

    cpu: int = Field(
        128,
        ge=128,
        le=196608,
        multiple_of=128,
        description="CPU units, 1024 for one vCPU, in steps of 128; reserved, bursts above.",
    )
    memory: int = Field(
        256,
        ge=128,
        le=3145728,
        multiple_of=128,
        description="Memory in MB, in steps of 128; reserved, and the hard limit.",
    )
    scale: int = Field(
        1,
        ge=0,
        le=16,
        description="Number of containers, 0 to 16; 0 stops the App. Spread over zones.",
    )
