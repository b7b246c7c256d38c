"""Who owns an AWS resource, and the tags that say so. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

TAG_PREFIX: Final = "setops:"
"""How the keys of all tags begin that the operator sets."""
TAG_ORGANIZATION: Final = f"{TAG_PREFIX}organization"
TAG_PROJECT: Final = f"{TAG_PREFIX}project"
TAG_STAGE: Final = f"{TAG_PREFIX}stage"
TAG_MANAGED_BY: Final = f"{TAG_PREFIX}managed-by"
TAG_CLUSTER: Final = f"{TAG_PREFIX}cluster"
MANAGED_BY: Final = "setops"


class OwnerKind(StrEnum):
    """The kinds of owners of AWS resources."""

    SERVICE = "service"
    APP = "app"
    STAGE = "stage"
    ORGANIZATION = "organization"


_OWNER_TAGS: Final = frozenset(
    {TAG_ORGANIZATION, TAG_PROJECT, TAG_STAGE, *(f"{TAG_PREFIX}{kind}" for kind in OwnerKind)}
)
"""Tags that say whose a resource is. An extra one means another owner: a Service's resources carry
all the tags of the Stage, but don't belong to the Stage."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The owner of an AWS resource. It outlives the Kubernetes object of that name.

    `name` is the name of the Service or App. Fields that an owner lacks are empty: a Stage has no
    `name`, an Organization has neither `project` nor `stage`. `cluster` is what the installation
    calls its cluster, and empty where it doesn't; it is no part of any name. Make one with the
    `of_…` methods.
    """

    kind: OwnerKind
    organization: str
    project: str = ""
    stage: str = ""
    name: str = ""
    cluster: str = ""

    @classmethod
    def of_service(cls, organization: str, project: str, stage: str, name: str) -> Self:
        return cls(OwnerKind.SERVICE, organization, project, stage, name)

    @classmethod
    def of_app(cls, organization: str, project: str, stage: str, name: str) -> Self:
        return cls(OwnerKind.APP, organization, project, stage, name)

    @classmethod
    def of_stage(cls, organization: str, project: str, stage: str) -> Self:
        return cls(OwnerKind.STAGE, organization, project, stage)

    @classmethod
    def of_organization(cls, organization: str) -> Self:
        return cls(OwnerKind.ORGANIZATION, organization)

    def __str__(self) -> str:
        """For a description at AWS: `Service db of Stage live in Project shop`."""
        own = f"{self.kind.capitalize()} {self.name}" if self.name else ""
        stage = f"Stage {self.stage} in Project {self.project}" if self.stage else ""
        return " of ".join(filter(None, (own, stage))) or f"Organization {self.organization}"

    def tags(self) -> dict[str, str]:
        """The tags that every resource of this owner carries from its create call on."""
        tags = {
            TAG_ORGANIZATION: self.organization,
            TAG_PROJECT: self.project,
            TAG_STAGE: self.stage,
            f"{TAG_PREFIX}{self.kind}": self.name or self.stage or self.organization,
            TAG_MANAGED_BY: MANAGED_BY,
            TAG_CLUSTER: self.cluster,
        }
        return {key: value for key, value in tags.items() if value}

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether a resource with these tags is this owner's. It may have other tags, too.

        One that names no cluster was made before the installation had a name for its own.
        """
        own = replace(self, cluster=tags.get(TAG_CLUSTER, "")).tags()
        return (
            tags.get(TAG_CLUSTER, self.cluster) == self.cluster
            and own.items() <= tags.items()
            and not (tags.keys() & _OWNER_TAGS) - own.keys()
        )
