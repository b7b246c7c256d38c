"""The one loop: observe, decide, perform, until there is nothing to be done now.

Reconcilers run it, and so do the tests of products.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from setops.aws.decide import Act, Action, Done, End, Refuse, decide_deletion, decide_keeping
from setops.aws.errors import WaitError
from setops.aws.gateway import Gateway
from setops.aws.inventories import FRESH
from setops.aws.observation import Observation
from setops.aws.target import Target

STEPS: Final = 8
"""Actions in one go. More would mean that what was done doesn't show."""


class Caller(Protocol):
    """Whoever runs the loop."""

    async def before(self, act: Act) -> None:
        """Told before anything is done. What it raises ends the loop."""

    async def store(self, connection: Mapping[str, str]) -> None:
        """Store these entries in the Secret. Credentials of AWS are known nowhere else yet."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How the loop ended: what was seen last, and why nothing is to be done about it now.

    `target` has the credentials that were made meanwhile.
    """

    target: Target
    observation: Observation
    end: End


class UnsettledError(WaitError):
    """AWS doesn't show yet what was done."""


async def keep(gateway: Gateway, target: Target, caller: Caller, max_age: float = FRESH) -> Settled:
    """Bring a Service to what is wanted of it, as far as AWS gets at once.

    What is seen first may be `max_age` seconds old. The Secret is stored at once when there are new
    credentials, and when the Service is as wanted. Raises AwsError and what the caller raises.
    """
    settled = await _converge(gateway, target, caller, decide_keeping, max_age)
    if isinstance(settled.end, Done | Refuse):
        await caller.store(gateway.connection(settled.target, settled.observation))
    return settled


async def remove(gateway: Gateway, target: Target, caller: Caller) -> Settled:
    """Bring a Service to its end, by its deletion policy, as far as AWS gets at once.

    It has come to its end when the end is Done. Raises AwsError and what the caller raises.
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
        if not isinstance(action, Act):
            return Settled(target, observation, action)
        await caller.before(action)
        issued = await gateway.perform(target, observation, action)
        if issued:
            target = replace(target, credentials={**target.credentials, **issued})
            await caller.store(gateway.connection(target, observation))
    raise UnsettledError("AWS doesn't show yet what was done", code="Unsettled")
