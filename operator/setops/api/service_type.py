"""What describes a type of Service. `services/` has the description of each, `catalogue` the list.

Neither this module nor `services/` loads a model, since they are imported for help and completion.

What happens to the data when a Service is destroyed:

    policy     `spec.deletionPolicy`, else the first of the type's `policies`: Snapshot if the
               product has snapshots (postgresql), else Retain (s3)
    exception  a rollback deletes what its commit had created, whatever the policy is; data that the
               Service adopted falls under the policy
    plan       `data_loss` in `changes/effects` says in advance what will happen
    decision   `reconcile/service/deletion` finds the policy, `aws/decide.decide_deletion` the act
    execution  `aws/composite`: for Snapshot and Delete `delete`, which calls `delete` of each part;
               for Retain `relinquish`, which calls `revoke` of each Guard (both in `aws/parts`)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from setops.api.deadlines import Deadlines
from setops.api.errors import Problem
from setops.api.service_option import Options, OptionSpec


class DeletionPolicy(StrEnum):
    """What happens to the data when a Service is deleted."""

    SNAPSHOT = "Snapshot"
    """AWS takes a final snapshot, then the resource is deleted."""
    RETAIN = "Retain"
    """The resource and its data stay, without credentials; a new Service of that name adopts it."""
    DELETE = "Delete"
    """The resource and its data are deleted for good."""


SNAPSHOT_FIRST: Final = (DeletionPolicy.SNAPSHOT, DeletionPolicy.RETAIN, DeletionPolicy.DELETE)
"""The policies of a product that has snapshots."""
RETAIN_FIRST: Final = (DeletionPolicy.RETAIN, DeletionPolicy.DELETE)
"""The policies of a product that has none."""


class LinkBy(StrEnum):
    """How an App receives a link: as the value of a variable, or as a mounted path.

    The values are the flags of `link:create`.
    """

    ENV_KEY = "env-key"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """The plans of a type. `pattern` must match the whole plan; `hint` explains it to a user.

    `later` are plans that the platform knows and this version doesn't support.
    """

    pattern: str
    default: str
    hint: str
    later: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a Service's user asks for."""

    version: str | None
    options: Options


def _any_options(_: Options) -> list[Problem]:
    return []


def _any_change(_before: Wish, _after: Wish) -> list[Problem]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceType:
    """One type of Service.

    `versions` are major versions; a minor one may follow (`13.4`). `policies` are the deletion
    policies that the type allows, with the default first.

    `check_options` finds what is wrong with a combination of options that are valid one by one.
    `check_change` finds changes that AWS can't make to an existing Service. Both get options that
    are typed and have their defaults filled in.
    """

    name: str
    product: str
    supported: bool
    link_by: LinkBy
    holds_data: bool
    policies: tuple[DeletionPolicy, ...]
    deadlines: Deadlines
    versions: tuple[str, ...] = ()
    default_version: str | None = None
    plan: PlanSpec | None = None
    options: tuple[OptionSpec, ...] = ()
    check_options: Callable[[Options], list[Problem]] = _any_options
    check_change: Callable[[Wish, Wish], list[Problem]] = _any_change

    @property
    def default_policy(self) -> DeletionPolicy:
        return self.policies[0]

    def option(self, name: str) -> OptionSpec | None:
        """The option of that name, or None."""
        return next((option for option in self.options if option.name == name), None)
