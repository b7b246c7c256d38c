"""How often AWS is asked for an Organization's account, by a clock that the tests turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import pytest

from setops.api.organization import Aws
from setops.aws.errors import (
    AwsError,
    RetryError,
    StalledError,
    ThrottledError,
    UnreachableError,
)
from setops.aws.target import Account
from setops.reconcile import reach
from setops.reconcile.memory import Reach
from tests.reconcile.samples import OPTIONS, World, context_of

DRIFT: Final = 60.0
AWS: Final = Aws(account_id="123456789012", region="eu-central-1", role_arn=None)

CLOSED: Final = UnreachableError("no answer", code="EndpointConnection")
DENIED: Final = StalledError("denied", code="AccessDenied")
BUSY: Final = ThrottledError("slower", code="Throttling", retry_after=20.0)
UNKNOWN: Final = RetryError("what?", code="Strange")


class FakeAws:
    """An account that answers as it is told, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[Account] = []
        self.error: AwsError | None = None
        self.hangs: asyncio.Event | None = None

    async def check(self, account: Account) -> None:
        self.asked.append(account)
        if self.hangs is not None:
            await self.hangs.wait()
        if self.error is not None:
            raise self.error


class Story:
    """One Organization that is looked at again and again."""

    def __init__(self) -> None:
        self.aws = FakeAws()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.generation = 1
        self.context = context_of(
            World().cluster,
            aws=self.aws,
            options=replace(OPTIONS, drift_interval=DRIFT),
            now=lambda: self.now,
        )

    async def look(self) -> Reach:
        return await reach.look(self.context, "uid", self.generation, AWS)

    @property
    def asked(self) -> int:
        return len(self.aws.asked)

    def again(self, known: Reach) -> float:
        return reach.again(self.context, known)

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def run(story: Callable[[Story], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story(Story()))


def test_it_is_asked_once_in_a_drift_interval_however_often_it_is_looked_at() -> None:
    async def story(at: Story) -> None:
        for _ in range(100):
            known = await at.look()
            assert (known.answered, known.error) == (True, None)
        assert at.asked == 1
        at.pass_(DRIFT - 1)
        assert at.again(await at.look()) == pytest.approx(1)
        at.pass_(1)
        assert at.again(await at.look()) == pytest.approx(DRIFT)
        assert at.asked == 2
        assert at.aws.asked[0] == Account("123456789012", "eu-central-1")

    run(story)


def test_an_edit_is_looked_at_at_once() -> None:
    async def story(at: Story) -> None:
        at.aws.error = DENIED
        assert (await at.look()).error is DENIED
        at.aws.error = None
        at.generation = 2
        assert (await at.look()).error is None
        assert at.asked == 2

    run(story)


def test_a_refusal_is_looked_at_again_after_the_drift_interval() -> None:
    async def story(at: Story) -> None:
        at.aws.error = DENIED
        assert at.again(await at.look()) == pytest.approx(DRIFT)
        at.aws.error = None
        assert (await at.look()).error is DENIED
        at.pass_(DRIFT)
        assert (await at.look()).error is None

    run(story)


@pytest.mark.parametrize("error", [CLOSED, UNKNOWN])
def test_without_an_answer_delays_grow_up_to_the_drift_interval(error: AwsError) -> None:
    async def story(at: Story) -> None:
        at.aws.error = error
        delays = []
        for _ in range(6):
            known = await at.look()
            assert known.error is error
            delays.append(round(at.again(known)))
            assert await at.look() == known
            at.pass_(at.again(known))
        assert delays == [5, 10, 20, 40, 60, 60]
        assert at.asked == 6
        at.aws.error = None
        assert (await at.look()).failures == 0

    run(story)


def test_an_account_that_asks_for_patience_is_there_and_gets_it() -> None:
    async def story(at: Story) -> None:
        await at.look()
        at.pass_(DRIFT)
        at.aws.error = BUSY
        known = await at.look()
        assert known.error is None
        assert at.again(known) == pytest.approx(20)

    run(story)


def test_an_account_of_which_nothing_is_known_and_that_asks_for_patience_is_waited_for() -> None:
    async def story(at: Story) -> None:
        at.aws.error = BUSY
        assert (await at.look()).error is BUSY

    run(story)


def test_an_answer_that_is_late_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "_PATIENCE", 0.01)

    async def story(at: Story) -> None:
        at.aws.hangs = asyncio.Event()
        for _ in range(3):
            known = await at.look()
            assert not known.answered
            assert at.again(known) == reach._PATIENCE
        assert at.asked == 1
        at.aws.hangs.set()
        await asyncio.sleep(0)
        assert (await at.look()).answered
        assert at.asked == 1

    run(story)


def test_what_was_known_stands_while_it_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "_PATIENCE", 0.01)

    async def story(at: Story) -> None:
        await at.look()
        at.pass_(DRIFT)
        at.aws.hangs = asyncio.Event()
        assert (await at.look()).answered
        assert at.asked == 2
        reach.forget(at.context, "uid")
        assert not at.context.memory.reach

    run(story)


def test_a_fault_of_our_own_is_raised_and_asked_again() -> None:
    async def story(at: Story) -> None:
        at.aws.error = cast(AwsError, KeyError("bug"))
        for _ in range(2):
            with pytest.raises(KeyError):
                await at.look()
        assert at.asked == 2

    run(story)
