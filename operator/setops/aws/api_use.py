"""What a kind of part asks of AWS: its calls, the rights they need, and what their answers mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from setops.aws.identity import MANAGED_BY, TAG_MANAGED_BY

ACCOUNT: Final = "ACCOUNT_ID"
"""Stands for the 12 digits of the account that the Services live in."""

Conditions = Mapping[str, Mapping[str, str]]
"""Operator, key and value, as in IAM's JSON."""

TAGGED: Final[Conditions] = {"StringEquals": {f"aws:ResourceTag/{TAG_MANAGED_BY}": MANAGED_BY}}
"""It carries our tag."""
TAGGING: Final[Conditions] = {"StringEquals": {f"aws:RequestTag/{TAG_MANAGED_BY}": MANAGED_BY}}
"""The call itself gives it our tag."""

QUOTA: Final = "raise the quota of the account in AWS Service Quotas, or delete what is unused"
"""What to do about a quota that is reached."""
PARAMETER: Final = "change the Service's options as the message says"
"""What to do about a parameter that AWS refuses."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of the operator's IAM policy. `purpose` tells what it is for."""

    sid: str
    purpose: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ApiUse:
    """How one API of AWS is used. Each is declared once, and compared as that object.

    `client` is boto3's name of it, `operations` what is called there, `by_botocore` what botocore
    calls on its own. `actions` are the IAM actions of those operations that need others than the
    one of their own name. `passing` are error codes that go away by themselves, `terminal` those
    that only somebody can clear, each with what to do.
    """

    client: str
    operations: tuple[str, ...]
    by_botocore: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    actions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    passing: frozenset[str] = frozenset()
    terminal: Mapping[str, str] = field(default_factory=dict)


def operations_of(uses: Iterable[ApiUse]) -> dict[str, frozenset[str]]:
    """All that is called, by client."""
    called: dict[str, frozenset[str]] = {}
    for use in uses:
        ours = {*use.operations, *use.by_botocore}
        called[use.client] = called.get(use.client, frozenset()) | ours
    return called
