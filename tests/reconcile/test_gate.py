"""Waiting until nobody is at something any more."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from setops.reconcile.memory import Gate


def test_whoever_waits_goes_on_when_the_last_one_is_done() -> None:
    async def story() -> None:
        gate, order = Gate(), []

        async def wait() -> None:
            await gate.opened(60)
            order.append("over")

        with gate.closed():
            with gate.closed():
                waiting = asyncio.create_task(wait())
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            order.append("one is left")
        await waiting
        assert order == ["one is left", "over"]
        await gate.opened(60)

    asyncio.run(story())


def test_who_fails_holds_nobody_up_and_patience_ends() -> None:
    async def story() -> None:
        gate = Gate()
        with suppress(ZeroDivisionError), gate.closed():
            1 / 0  # noqa: B018
        await gate.opened(60)
        with gate.closed():
            await gate.opened(0.01)

    asyncio.run(story())
