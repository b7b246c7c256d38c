"""What this package works on: an account, and a Service as it is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from setops.api.service_option import OptionValue
from setops.api.service_type import DeletionPolicy
from setops.aws.identity import Identity


@dataclass(frozen=True, slots=True)
class Account:
    """An AWS account in one region, and how it is reached.

    `role_arn` is assumed with the operator's own credentials, with `external_id` if its trust
    policy asks for one; None means that the operator's own credentials belong to the account.
    `endpoint_url` replaces AWS's own endpoints (an emulator, a private endpoint).
    """

    account_id: str
    region: str
    role_arn: str | None = None
    external_id: str | None = None
    endpoint_url: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where in the account's network a Service lives. Empty for Services outside of a network.

    Members of the groups `security_group_ids` may reach it.
    """

    vpc_id: str = ""
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()

    @property
    def fixed(self) -> tuple[str, tuple[str, ...]]:
        """What can't change once the Service exists: all but who may reach it."""
        return self.vpc_id, self.subnet_ids

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields that the Organization still has to set for a Service in a network."""
        fields = {
            "network.vpcId": self.vpc_id,
            "network.privateSubnetIds": self.subnet_ids,
            "network.securityGroupIds": self.security_group_ids,
        }
        return tuple(name for name, value in fields.items() if not value)


@dataclass(frozen=True, slots=True)
class Asking:
    """What is kept across a restart of a change, or with an empty `path` of the deletion.

    `last` is when AWS was last seen at work on it, rounded up by `asked`.
    """

    path: str
    wanted: str
    actual: str
    at: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Target:
    """One Service as it is wanted, with what its Secret in Kubernetes holds at this moment.

    `options` may lack the defaults. `ids` are the names of its parts as its status has them; a
    missing one is made by the naming rule. `credentials` are the decoded entries of the Secret.
    They are read from the API server itself: a stale cache would make a valid key look lost. `uid`
    differs between Services that had the same name one after the other. `was_ready`: it has been
    usable before, so a part that is missing now was deleted. `version_ceiling`: a newer major
    version up to this one stays, because a commit that was rolled back may have installed it.
    `asked`: what AWS was asked for before this process began.
    """

    account: Account
    identity: Identity
    type: str
    version: str | None = None
    plan: str | None = None
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    ids: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    backup_retention_days: int | None = None
    placement: Placement = Placement()
    uid: str = ""
    was_ready: bool = False
    version_ceiling: str | None = None
    asked: tuple[Asking, ...] = ()
