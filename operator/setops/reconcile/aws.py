"""AWS as reconcilers see it: which account is meant, and what an error means for a condition."""

from __future__ import annotations

from typing import Final

from setops.api.conditions import Reason
from setops.api.organization import Aws
from setops.api.service import ServiceTarget
from setops.aws.errors import (
    AwsError,
    ConflictError,
    StalledError,
    UnreachableError,
    UnsupportedTypeError,
    WaitError,
)
from setops.aws.target import Account
from setops.reconcile.report import Interruption, Stalled, Waiting

SOON: Final = 5.0
"""Seconds after which to look again at what AWS is at work on, or doesn't answer about."""


def account_of(access: Aws | ServiceTarget) -> Account:
    """The account that an Organization names, or that a Service was made in."""
    return Account(
        access.account_id,
        access.region,
        access.role_arn,
        access.external_id,
        access.endpoint_url,
    )


def interruption(error: AwsError, drift: float) -> Interruption:
    """What an AWS error means for conditions; what stalls is looked at again in `drift` seconds."""
    match error:
        case UnsupportedTypeError():
            return Stalled(Reason.CURRENTLY_NOT_SUPPORTED, error.message)
        case ConflictError():
            return Stalled(Reason.AWS_RESOURCE_TAKEN, error.message, again=drift)
        case StalledError():
            return Stalled(Reason.AWS_REFUSED, error.message, again=drift)
        case UnreachableError():
            return Waiting(Reason.AWS_UNREACHABLE, error.message, again=error.retry_after or SOON)
        case WaitError():
            return Waiting(Reason.AWS_WAITING, error.message, again=error.retry_after or SOON)
        case _:
            return Waiting(Reason.AWS_WAITING, error.message, again=SOON)
