"""Inventories of accounts, shared by all Services, and never taken too often.

However many Services of a product wait in an account and region, AWS is asked at most once in
`spacing` seconds. A caller that has changed something only gets an inventory begun after that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from setops.aws.errors import WaitError
from setops.aws.observation import Inventory
from setops.aws.target import Account

FRESH: Final = 4.0
"""How old an inventory may be, in seconds, while a Service is still changing."""

PATIENCE: Final = 30.0
"""Seconds that a caller waits for an inventory; it comes again later for one that takes longer."""

Read = Callable[[], Awaitable[Inventory]]


@dataclass(slots=True)
class _Shared:
    begun: float = float("-inf")
    """When the last inventory was begun, whether it failed or not."""
    read: float = float("-inf")
    """When the reading of `inventory` was begun."""
    inventory: Inventory | None = None
    running: asyncio.Task[None] | None = None


class Inventories:
    """Inventories by account and product. Belongs to one event loop.

    `clock` gives seconds. Two inventories of a product in an account begin at least `spacing`
    seconds apart.
    """

    def __init__(self, clock: Callable[[], float], spacing: float) -> None:
        self._clock = clock
        self._spacing = spacing
        self._shared: dict[tuple[Account, str], _Shared] = {}

    async def get(self, account: Account, product: str, since: float, read: Read) -> Inventory:
        """An inventory that was begun after `since` on the clock. Raises what `read` raises.

        If the running one began before `since`, the caller waits for the next one, which all
        waiting callers share.
        """
        shared = self._shared.setdefault((account, product), _Shared())
        while shared.inventory is None or shared.read < since:
            if shared.running is None or shared.running.done():
                shared.running = asyncio.create_task(self._take(shared, read))
            # One caller may be cancelled, or lose patience, while the others still wait.
            running = shared.running
            done, _ = await asyncio.wait({running}, timeout=PATIENCE)
            if not done:
                raise WaitError("waits for the answer of AWS", code="Busy")
            running.result()
        return shared.inventory

    async def _take(self, shared: _Shared, read: Read) -> None:
        await asyncio.sleep(shared.begun + self._spacing - self._clock())
        shared.begun = begun = self._clock()
        shared.inventory = await read()
        shared.read = begun
