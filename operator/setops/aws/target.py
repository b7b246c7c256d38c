"""What the layer works on: an account, the identity of an owner, and what is wanted of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    """Where in the account's network a Service lives. What lives outside of one needs nothing.

    `security_group_ids` are the groups whose members may reach it.
    """

    vpc_id: str = ""
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()

    @property
    def fixed(self) -> tuple[str, tuple[str, ...]]:
        """What can't change once the Service is there: all but who may reach it."""
        return self.vpc_id, self.subnet_ids

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields of the Organization that a Service in a network lacks."""
        fields = {
            "network.vpcId": self.vpc_id,
            "network.privateSubnetIds": self.subnet_ids,
            "network.securityGroupIds": self.security_group_ids,
        }
        return tuple(name for name, value in fields.items() if not value)


@dataclass(frozen=True, slots=True)
class Target:
    """One Service as it is wanted, with what its Secret in Kubernetes holds at this moment.

    `options` need not hold the defaults. `ids` are the names of its parts as its status has them;
    one that isn't there is made by the naming rule. `credentials` are the decoded entries of the
    Secret, read from the API server itself: one from a cache that lags would make a live key look
    lost. `life` differs between Services that had the same name one after the other. `was_ready`:
    it has been usable once, so what is missing now was there. `version_ceiling`: a newer major
    version up to this one stays, because a commit that was rolled back may have brought it in.
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
    life: str = ""
    was_ready: bool = False
    version_ceiling: str | None = None
