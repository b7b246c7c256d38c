"""Inventories of accounts, shared by all who want to know, and never taken too often.

However many Services of a product wait in an account and region, AWS is asked once in so many
seconds at most. Whoever has changed something is told only what was read after that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from setops.aws.observation import Inventory
from setops.aws.target import Account

FRESH: Final = 4.0
"""Age in seconds up to which an inventory tells how something stands that is on its way."""

Read = Callable[[], Awaitable[Inventory]]


@dataclass(slots=True)
class _Shared:
    begun: float = float("-inf")
    """When the last inventory was begun, even one that failed."""
    read: float = float("-inf")
    """When the one was begun that `inventory` is of."""
    inventory: Inventory | None = None
    running: asyncio.Task[None] | None = None


class Inventories:
    """Inventories by account and product. Belongs to one event loop.

    `clock` gives seconds. At least `spacing` of them lie between the beginnings of two inventories
    of a product in an account.
    """

    def __init__(self, clock: Callable[[], float], spacing: float) -> None:
        self._clock = clock
        self._spacing = spacing
        self._shared: dict[tuple[Account, str], _Shared] = {}

    async def get(self, account: Account, product: str, since: float, read: Read) -> Inventory:
        """A inventory that was begun after `since` on the clock; raises what `read` raises.

        Who asks while one is under way that began too early waits for the next, together with all
        the others who do.
        """
        shared = self._shared.setdefault((account, product), _Shared())
        while shared.inventory is None or shared.read < since:
            if shared.running is None or shared.running.done():
                shared.running = asyncio.create_task(self._take(shared, read))
            # One of the waiting may be cancelled; the others still want it.
            await asyncio.shield(shared.running)
        return shared.inventory

    async def _take(self, shared: _Shared, read: Read) -> None:
        await asyncio.sleep(shared.begun + self._spacing - self._clock())
        shared.begun = begun = self._clock()
        shared.inventory = await read()
        shared.read = begun
