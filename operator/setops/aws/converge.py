"""The one loop: observe, decide, perform, until nothing can be done now.

Reconcilers run it, and so do the tests of products.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from setops.aws.decide import Act, Action, Done, End, Refuse, decide_deletion, decide_keeping
from setops.aws.errors import AwsError, WaitError
from setops.aws.gateway import Gateway
from setops.aws.inventories import FRESH
from setops.aws.observation import Observation
from setops.aws.target import Asking, Target

STEPS: Final = 8
"""The most actions in one run. More would mean that AWS doesn't show what was done."""


class Caller(Protocol):
    """What the loop needs of the code that runs it."""

    async def before(self, act: Act) -> None:
        """Called before each action. What it raises ends the loop."""

    async def store(self, connection: Mapping[str, str]) -> None:
        """Store these entries in the Secret. New credentials are stored nowhere else yet."""

    async def keep_asked(self, asked: Sequence[Asking]) -> None:
        """Store what AWS has accepted, so that it isn't asked for again after a restart."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How the loop ended: what was observed last, and why nothing can be done now.

    `target` includes the credentials that were issued on the way.
    """

    target: Target
    observation: Observation
    end: End


class UnsettledError(WaitError):
    """AWS doesn't show yet what was done."""


async def keep(gateway: Gateway, target: Target, caller: Caller, max_age: float = FRESH) -> Settled:
    """Make a Service what is wanted, as far as AWS gets at once.

    The first observation may be `max_age` seconds old. The Secret is stored as soon as there are
    new credentials, and once the Service is as wanted. Raises AwsError and what the caller raises.
    """
    settled = await _converge(gateway, target, caller, decide_keeping, max_age)
    if isinstance(settled.end, Done | Refuse):
        await caller.store(gateway.connection(settled.target, settled.observation))
    return settled


async def remove(gateway: Gateway, target: Target, caller: Caller) -> Settled:
    """Delete or release a Service, by its deletion policy, as far as AWS gets at once.

    The result's `end` is Done once that is complete. Raises AwsError and what the caller raises.
    """
    policy = target.deletion_policy
    return await _converge(
        gateway, target, caller, lambda seen: decide_deletion(seen, policy), FRESH
    )


async def _converge(
    gateway: Gateway,
    target: Target,
    caller: Caller,
    decide: Callable[[Observation], Action],
    max_age: float,
) -> Settled:
    for _ in range(STEPS):
        observation = await gateway.observe(target, max_age)
        action = decide(observation)
        if isinstance(action, Act):
            action = gateway.instead(target, observation, action) or action
        if not isinstance(action, Act):
            return Settled(target, observation, action)
        await caller.before(action)
        try:
            issued = await gateway.perform(target, observation, action)
        except AwsError as error:
            try:
                await caller.keep_asked(gateway.asked(target))  # it may have accepted a part of it
            except Exception as other:
                raise error from other
            raise
        if issued:
            target = replace(target, credentials={**target.credentials, **issued})
            await caller.store(gateway.connection(target, observation))
        await caller.keep_asked(gateway.asked(target))
    raise UnsettledError("AWS doesn't show yet what was done", code="Unsettled")
