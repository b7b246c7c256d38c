"""One look at an account for all who want to know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from setops.aws.inventories import Inventories
from setops.aws.observation import Inventory
from setops.aws.target import Account

HERE = Account("111111111111", "eu-central-1")
THERE = Account("222222222222", "eu-central-1")


class Desk:
    """Inventories whose reads end when a test says so, by a clock that stands still."""

    def __init__(self) -> None:
        self.now = 100.0
        self.inventories = Inventories(lambda: self.now, spacing=0)
        self.reads: list[asyncio.Future[Inventory]] = []

    async def _read(self) -> Inventory:
        self.reads.append(asyncio.get_running_loop().create_future())
        return await self.reads[-1]

    def ask(self, since: float = 0, account: Account = HERE) -> asyncio.Task[Inventory]:
        return asyncio.create_task(self.inventories.get(account, "postgresql", since, self._read))

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


def story(test: Callable[[Desk], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def main() -> None:
            await test(Desk())

        asyncio.run(main())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@story
async def test_however_many_ask_aws_is_asked_once(desk: Desk) -> None:
    asked = [desk.ask() for _ in range(200)]
    await desk.settle()
    assert len(desk.reads) == 1
    desk.reads[0].set_result({"instances": {}})
    assert await asyncio.gather(*asked) == [{"instances": {}}] * 200
    assert await desk.ask(since=100.0) == {"instances": {}}
    assert len(desk.reads) == 1


@story
async def test_who_has_changed_something_is_told_only_what_was_read_after_that(desk: Desk) -> None:
    early = desk.ask()
    await desk.settle()
    desk.now = 101.0
    late = [desk.ask(since=100.5) for _ in range(20)]
    await desk.settle()
    desk.reads[0].set_result({"instances": {"before": {}}})
    assert await early == {"instances": {"before": {}}}
    await desk.settle()
    assert len(desk.reads) == 2, "all of them share the next one"
    desk.reads[1].set_result({"instances": {"after": {}}})
    assert await asyncio.gather(*late) == [{"instances": {"after": {}}}] * 20


@story
async def test_a_failure_is_told_to_all_and_the_next_asks_again(desk: Desk) -> None:
    asked = [desk.ask() for _ in range(3)]
    await desk.settle()
    desk.reads[0].set_exception(OSError("no answer"))
    for each in asked:
        with pytest.raises(OSError, match="no answer"):
            await each
    again = desk.ask()
    await desk.settle()
    desk.reads[1].set_result({})
    assert await again == {}


@story
async def test_whoever_gives_up_takes_it_from_nobody_else(desk: Desk) -> None:
    first, second = desk.ask(), desk.ask()
    await desk.settle()
    first.cancel()
    await desk.settle()
    desk.reads[0].set_result({})
    assert await second == {}


@story
async def test_accounts_do_not_wait_for_one_another(desk: Desk) -> None:
    hanging, other = desk.ask(), desk.ask(account=THERE)
    await desk.settle()
    assert len(desk.reads) == 2
    desk.reads[1].set_result({})
    assert await other == {}
    assert not hanging.done()
    hanging.cancel()
