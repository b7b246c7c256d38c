"""Waiting until nobody is at something any more."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from setops.reconcile.memory import Rush


def test_whoever_waits_goes_on_when_the_last_one_is_done() -> None:
    async def story() -> None:
        rush, order = Rush(), []

        async def wait() -> None:
            await rush.over(60)
            order.append("over")

        with rush.joined():
            with rush.joined():
                waiting = asyncio.create_task(wait())
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            order.append("one is left")
        await waiting
        assert order == ["one is left", "over"]
        await rush.over(60)

    asyncio.run(story())


def test_who_fails_holds_nobody_up_and_patience_ends() -> None:
    async def story() -> None:
        rush = Rush()
        with suppress(ZeroDivisionError), rush.joined():
            1 / 0  # noqa: B018
        await rush.over(60)
        with rush.joined():
            await rush.over(0.01)

    asyncio.run(story())
