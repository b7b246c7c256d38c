"""How an API of AWS is used: its calls, the rights they need, and what its error codes mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from setops.aws.identity import MANAGED_BY, TAG_MANAGED_BY, TAG_PREFIX

ACCOUNT: Final = "ACCOUNT_ID"
"""A placeholder for the 12 digits of the account that the Services live in."""

Conditions = Mapping[str, Mapping[str, str | tuple[str, ...]]]
"""Operator, key and value or values, as in IAM's JSON."""

TAGGED: Final[Conditions] = {"StringEquals": {f"aws:ResourceTag/{TAG_MANAGED_BY}": MANAGED_BY}}
"""The resource carries our tag."""
UNCLAIMED: Final[Conditions] = {
    "StringEqualsIfExists": {f"aws:ResourceTag/{TAG_MANAGED_BY}": MANAGED_BY}
}
"""No other value of our tag says that the resource is managed by somebody else.

For calls that may come before our tag is there, or before AWS shows it.
"""
TAGGING: Final[Conditions] = {
    "StringEquals": {f"aws:RequestTag/{TAG_MANAGED_BY}": MANAGED_BY},
    **UNCLAIMED,
    "ForAllValues:StringLike": {"aws:TagKeys": f"{TAG_PREFIX}*"},
}
"""The call itself gives the resource our tag, and tags of ours alone.

AWS authorizes the tags of a create call as it authorizes a call that tags an existing resource, and
only some APIs have a condition that tells the two apart.
"""

QUOTA: Final = "raise the quota of the account in AWS Service Quotas, or delete what is unused"
"""What to do about a quota that is used up."""
NETWORK: Final = "correct `network` of the Organization"
"""What to do about a VPC, subnets or security groups that AWS refuses."""
PARAMETER: Final = "change the Service's options as the message says"
"""What to do about a parameter that AWS refuses."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of the operator's IAM policy. `purpose` says what it is for."""

    sid: str
    purpose: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ApiUse:
    """How one API of AWS is used. Each is declared once, and compared by identity.

    `client` is boto3's name of it, `operations` what we call, `by_botocore` what botocore calls on
    its own. `actions` has the IAM actions of an operation, if they differ from its own name.

    `wait_codes` are error codes that pass by themselves: the Service is Reconciling and is looked
    at again soon. `stall_codes` are those that somebody has to clear, each with what to do: the
    Service is Stalled and its condition names that remedy. Codes that mean the same for every
    product are in `errors`.
    """

    client: str
    operations: tuple[str, ...]
    by_botocore: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    actions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wait_codes: frozenset[str] = frozenset()
    stall_codes: Mapping[str, str] = field(default_factory=dict)


def operations_of(uses: Iterable[ApiUse]) -> dict[str, frozenset[str]]:
    """The operations that are called, by client."""
    called: dict[str, frozenset[str]] = {}
    for use in uses:
        ours = {*use.operations, *use.by_botocore}
        called[use.client] = called.get(use.client, frozenset()) | ours
    return called


_READING: Final = ("AssumeRole", "Describe", "Get", "Head", "List")
"""How the names of operations begin that change nothing. A session of a role is nothing of ours."""


def is_read(operation: str) -> bool:
    """Whether an operation changes nothing at AWS."""
    return operation.startswith(_READING)
