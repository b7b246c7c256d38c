"""What the verbs work on: an account, the identity of a Service, and what is wanted of it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from setops.api.put_back import PutBack
from setops.api.service_option import OptionValue
from setops.api.service_type import DeletionPolicy

TAG_ORGANIZATION: Final = "setops:organization"
TAG_PROJECT: Final = "setops:project"
TAG_STAGE: Final = "setops:stage"
TAG_SERVICE: Final = "setops:service"
TAG_MANAGED_BY: Final = "setops:managed-by"
MANAGED_BY: Final = "setops"

# 60 bits: among a million Services of one organization two share a hash once in two million tries.
_HASH_LENGTH: Final = 12


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
class Identity:
    """Which Service of which Stage an AWS resource stands for; outlives the Kubernetes object."""

    organization: str
    project: str
    stage: str
    service: str

    def tags(self) -> dict[str, str]:
        """The tags that every resource of this Service carries from its create call on."""
        return {
            TAG_ORGANIZATION: self.organization,
            TAG_PROJECT: self.project,
            TAG_STAGE: self.stage,
            TAG_SERVICE: self.service,
            TAG_MANAGED_BY: MANAGED_BY,
        }

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether a resource with these tags is this Service's; other tags may stand beside."""
        return self.tags().items() <= tags.items()


@dataclass(frozen=True, slots=True)
class Network:
    """Where in the account's network a Service lives; what lives outside of one needs nothing.

    `security_group_ids` are those whose members may reach it.
    """

    vpc_id: str = ""
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, tuple[str, ...]]:
        """All but who may reach it, which can change."""
        return self.vpc_id, self.subnet_ids


@dataclass(frozen=True, slots=True)
class Target:
    """One Service as it is wanted, with what its Secret in Kubernetes holds at this moment.

    `options` need not hold the defaults. `credentials` are the decoded entries of the Secret as
    read from the API server itself: one from a cache that lags would make a live key look lost.
    `life` differs between Services that had the same name one after the other. `was_ready`: it
    has been usable once, so that what is missing now was there. `put_back`: a Changeset that was
    rolled back may have brought in a newer version, which stays.
    """

    account: Account
    identity: Identity
    type: str
    version: str | None = None
    plan: str | None = None
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    backup_retention_days: int | None = None
    network: Network = Network()
    life: str = ""
    was_ready: bool = False
    put_back: PutBack | None = None


def resource_name(identity: Identity, limit: int, prefix: str = MANAGED_BY) -> str:
    """The name of a Service's AWS resource: `<prefix>-<project>-<stage>-<service>-<hash>`.

    Lowercase letters, digits and single dashes, starting with a letter: what S3, RDS, ElastiCache,
    OpenSearch and IAM all accept. At most `limit` characters; what is readable is cut first. The
    hash covers organization, project, stage and service, so equal names mean the same Service.
    Raises ValueError when `limit` leaves no room for the prefix and the hash.
    """
    parts = (identity.organization, identity.project, identity.stage, identity.service)
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    suffix = base64.b32encode(digest).decode().lower()[:_HASH_LENGTH]
    room = limit - len(suffix) - 1
    if room < len(prefix):
        raise ValueError(f"a name of {limit} characters has no room for {prefix!r} and a hash")
    readable = "-".join((prefix, *parts[1:])).lower()
    readable = re.sub(r"[^a-z0-9]+", "-", readable)[:room].rstrip("-")
    return f"{readable}-{suffix}"
