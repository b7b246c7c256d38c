"""Whether an Organization's AWS account can be reached: asked now and then, and remembered.

AWS is asked in the background, so an endpoint that hangs delays neither the count of Projects nor a
deletion. It is asked once per drift interval, and at once after the spec was edited. While there is
no answer, it is asked with delays that grow up to that interval.
"""

from __future__ import annotations

import asyncio
from typing import Final

from setops.api.organization import Aws
from setops.aws.errors import AwsError, StalledError, UnreachableError, WaitError
from setops.aws.gateway import Gateway
from setops.aws.target import Account
from setops.reconcile.aws import SOON, account_of
from setops.reconcile.context import Context
from setops.reconcile.memory import Reach

_PATIENCE: Final = 1.0
"""Seconds for which a report waits for an answer, and after which it looks for one again."""


async def look(context: Context, uid: str, generation: int, aws: Aws) -> Reach:
    """What is known of the account. Asks AWS again if that is due."""
    known = context.memory.reach.get(uid)
    if known is None or known.generation != generation:
        forget(context, uid)
        known = context.memory.reach[uid] = Reach(generation)
    if known.asking is None and context.now().timestamp() >= known.due:
        known.asking = asyncio.create_task(_ask(context.aws, account_of(aws)))
        await asyncio.wait({known.asking}, timeout=_PATIENCE)
    if known.asking is not None and known.asking.done():
        asked, known.asking = known.asking, None
        _learn(context, known, asked.result())
    return known


def again(context: Context, known: Reach) -> float:
    """Seconds after which to look again."""
    if known.asking is not None:
        return _PATIENCE
    return max(known.due - context.now().timestamp(), 0.0)


def forget(context: Context, uid: str) -> None:
    """Keep nothing of an Organization that is gone, or whose spec has changed."""
    known = context.memory.reach.pop(uid, None)
    if known is not None and known.asking is not None:
        known.asking.cancel()


async def _ask(gateway: Gateway, account: Account) -> AwsError | None:
    """The error if the account can't be reached; None if it can."""
    try:
        await gateway.check(account)
    except AwsError as error:
        return error
    return None


def _learn(context: Context, known: Reach, error: AwsError | None) -> None:
    drift = context.options.drift_interval
    delay = drift
    if error is None:
        known.failures = 0
    elif not isinstance(error, StalledError):
        delay = min(SOON * 2**known.failures, drift)
        known.failures += 1
        if isinstance(error, WaitError):
            delay = max(delay, error.retry_after or 0.0)
    known.due = context.now().timestamp() + delay
    busy = isinstance(error, WaitError) and not isinstance(error, UnreachableError)
    if busy and known.answered and known.error is None:
        return  # an account that asks for patience is there
    known.answered, known.error = True, error
