"""What the queue promises about the order and the number of runs."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setops.runtime.lanes import MAIN
from setops.runtime.queue import Queue
from tests.unit.runtime.clock import FakeClock


def fixed(_: BaseException, failures: int) -> float:
    return 10.0 * (failures + 1)


class Desk:
    """A queue whose runs end when a test says so."""

    def __init__(self, workers: int = 2) -> None:
        self.clock = FakeClock()
        self.begun: list[str] = []
        self.open: dict[str, asyncio.Future[float | None]] = {}
        self.queue: Queue[str] = Queue(
            self._handle, workers={MAIN: workers}, delay=fixed, clock=self.clock
        )

    async def _handle(self, key: str) -> float | None:
        assert key not in self.open, "a key is handled by one worker at a time"
        self.begun.append(key)
        self.open[key] = asyncio.get_running_loop().create_future()
        try:
            return await self.open[key]
        finally:
            del self.open[key]

    async def settle(self) -> None:
        """Let all tasks go as far as they can."""
        for _ in range(10):
            await asyncio.sleep(0)

    async def end(self, key: str, after: float | None = None) -> None:
        """End a run well."""
        self.open[key].set_result(after)
        await self.settle()

    async def fail(self, key: str) -> None:
        """End a run with an error."""
        self.open[key].set_exception(ValueError(key))
        await self.settle()


def story(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def main() -> None:
            await test()

        asyncio.run(main())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@story
async def test_nothing_is_handled_before_the_start() -> None:
    desk = Desk()
    desk.queue.mark("a")
    desk.queue.mark("a")
    await desk.settle()
    assert (desk.begun, desk.queue.depth) == ([], 1)
    desk.queue.start()
    await desk.settle()
    assert (desk.begun, desk.queue.depth) == (["a"], 0)


@story
async def test_a_key_that_is_marked_while_it_runs_runs_once_more() -> None:
    desk = Desk()
    desk.queue.start()
    desk.queue.mark("a")
    await desk.settle()
    desk.queue.mark("a")
    desk.queue.mark("a")
    await desk.settle()
    assert desk.begun == ["a"]
    await desk.end("a")
    await desk.end("a")
    assert desk.begun == ["a", "a"]


@story
async def test_no_more_than_the_workers_run_and_the_first_comes_first() -> None:
    desk = Desk(workers=2)
    desk.queue.start()
    for key in "abcd":
        desk.queue.mark(key)
    await desk.settle()
    assert desk.begun == ["a", "b"]
    await desk.end("b")
    assert desk.begun == ["a", "b", "c"]


@story
async def test_a_run_may_ask_for_another() -> None:
    desk = Desk()
    desk.queue.start()
    desk.queue.mark("a")
    await desk.settle()
    await desk.end("a", after=30)
    assert desk.queue.delayed == 1
    desk.clock.advance(29)
    await desk.settle()
    assert desk.begun == ["a"]
    desk.clock.advance(1)
    await desk.settle()
    assert desk.begun == ["a", "a"]


@story
async def test_paced_marks_of_a_key_that_has_just_been_handled_become_one_a_little_later() -> None:
    desk = Desk()
    desk.queue.start()
    desk.queue.mark_paced("a", 2)
    await desk.settle()
    assert desk.begun == ["a"], "the first one doesn't wait"
    desk.queue.mark_paced("a", 2)
    await desk.end("a")
    desk.clock.advance(1)
    desk.queue.mark_paced("a", 2)
    await desk.settle()
    assert desk.begun == ["a"]
    desk.clock.advance(1)
    await desk.settle()
    assert desk.begun == ["a", "a"]


@story
async def test_a_mark_that_is_not_paced_does_not_wait_for_one_that_is() -> None:
    desk = Desk()
    desk.queue.start()
    desk.queue.mark_paced("a", 2)
    await desk.settle()
    await desk.end("a")
    desk.queue.mark_paced("a", 2)
    desk.queue.mark_paced("a", 0)
    await desk.settle()
    assert desk.begun == ["a", "a"]
    assert desk.queue.delayed == 0


@story
async def test_a_mark_does_not_wait_for_the_time_that_was_asked_for() -> None:
    desk = Desk()
    desk.queue.start()
    desk.queue.mark("a", after=30)
    desk.queue.mark("a")
    await desk.settle()
    await desk.end("a")
    desk.clock.advance(60)
    await desk.settle()
    assert desk.begun == ["a"], "the sooner one stood for both"


@story
async def test_the_soonest_time_counts() -> None:
    desk = Desk()
    desk.queue.start()
    desk.queue.mark("a", after=30)
    desk.queue.mark("a", after=10)
    desk.queue.mark("a", after=20)
    desk.clock.advance(10)
    await desk.settle()
    await desk.end("a")
    desk.clock.advance(60)
    await desk.settle()
    assert desk.begun == ["a"]


@story
async def test_failures_wait_longer_each_time_until_one_run_succeeds() -> None:
    desk = Desk()
    desk.queue.start()
    desk.queue.mark("a")
    await desk.settle()
    await desk.fail("a")
    desk.clock.advance(10)
    await desk.settle()
    await desk.fail("a")
    desk.clock.advance(19)
    await desk.settle()
    assert desk.begun == ["a", "a"]
    desk.clock.advance(1)
    await desk.settle()
    await desk.end("a")
    desk.queue.mark("a")
    await desk.settle()
    await desk.fail("a")
    desk.clock.advance(10)
    await desk.settle()
    assert len(desk.begun) == 5, "the count began anew"


@story
async def test_a_key_that_is_gone_is_forgotten() -> None:
    desk = Desk()
    desk.queue.start()
    desk.queue.mark("a", after=10)
    desk.queue.forget("a")
    desk.clock.advance(20)
    await desk.settle()
    assert desk.begun == []


@story
async def test_it_tells_how_long_keys_wait_and_run() -> None:
    desk = Desk(workers=1)
    desk.queue.start()
    desk.queue.mark("a")
    desk.clock.advance(1)
    desk.queue.mark("b")
    desk.clock.advance(2)
    desk.queue.mark("c")
    await desk.settle()
    assert (desk.queue.oldest_wait, desk.queue.longest_run) == (2.0, 3.0)
    assert (desk.queue.depth, desk.queue.running) == (2, 1)


@story
async def test_it_is_stuck_when_nothing_is_taken_and_not_when_much_waits() -> None:
    desk = Desk(workers=1)
    desk.queue.start()
    for key in "abc":
        desk.queue.mark(key)
    await desk.settle()
    desk.clock.advance(400)
    assert (desk.queue.oldest_wait, desk.queue.stuck) == (400.0, 400.0)
    await desk.end("a")
    assert (desk.queue.oldest_wait, desk.queue.stuck) == (400.0, 0.0)


@story
async def test_the_end_lets_runs_finish_and_drops_the_rest() -> None:
    desk = Desk(workers=2)
    desk.queue.start()
    for key in "abc":
        desk.queue.mark(key)
    desk.queue.mark("d", after=5)
    await desk.settle()
    stopping = asyncio.create_task(desk.queue.stop(grace=60))
    await desk.settle()
    assert not stopping.done()
    desk.queue.mark("a")
    await desk.end("a")
    await desk.end("b", after=1)
    await stopping
    desk.clock.advance(60)
    await desk.settle()
    assert desk.begun == ["a", "b"]


@story
async def test_the_end_cancels_what_does_not_finish() -> None:
    desk = Desk()
    desk.queue.start()
    desk.queue.mark("a")
    await desk.settle()
    await desk.queue.stop(grace=0)
    assert desk.open == {}


@story
async def test_a_cancelled_wait_inside_a_handler_is_a_failure() -> None:
    desk = Desk()
    desk.queue.start()
    desk.queue.mark("a")
    await desk.settle()
    desk.open["a"].cancel()
    await desk.settle()
    desk.clock.advance(10)
    await desk.settle()
    assert desk.begun == ["a", "a"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["mark", "later", "end", "again", "fail", "time"]), st.sampled_from("abc")
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.integers(1, 3))
def test_every_mark_is_followed_by_a_run_that_begins_after_it(
    steps: list[tuple[str, str]], workers: int
) -> None:
    """Whatever happens in between: none is lost, none runs twice at a time."""

    async def main() -> None:
        desk = Desk(workers)
        desk.queue.start()
        unseen: set[str] = set()
        begun = 0
        for step, key in steps:
            if step == "mark":
                desk.queue.mark(key)
                unseen.add(key)
            elif step == "later":
                desk.queue.mark(key, after=7)
                unseen.add(key)
            elif step == "time":
                desk.clock.advance(5)
            elif key in desk.open:
                if step == "fail":
                    await desk.fail(key)
                    unseen.add(key)
                else:
                    await desk.end(key, after=3 if step == "again" else None)
                    unseen |= {key} if step == "again" else set()
            await desk.settle()
            assert desk.queue.running <= workers
            unseen -= set(desk.begun[begun:])
            begun = len(desk.begun)
        for _ in range(20):
            for key in list(desk.open):
                await desk.end(key)
            desk.clock.advance(1000)
            await desk.settle()
            unseen -= set(desk.begun[begun:])
        assert not unseen
        assert (desk.queue.depth, desk.queue.delayed, desk.queue.running) == (0, 0, 0)

    asyncio.run(main())


@pytest.mark.parametrize("count", [10_000])
def test_many_keys(count: int) -> None:
    async def main() -> None:
        runs: Counter[int] = Counter()
        done = asyncio.Event()

        async def handle(key: int) -> None:
            await asyncio.sleep(0)
            runs[key] += 1
            if len(runs) == count:
                done.set()

        queue: Queue[int] = Queue(handle, workers={MAIN: 16}, delay=fixed)
        for _ in range(3):
            for key in range(count):
                queue.mark(key)
                queue.mark(-1 - key, after=3600)
        before = time.process_time()
        queue.start()
        await done.wait()
        assert set(runs.values()) == {1}
        assert time.process_time() - before < 10, "no time that grows with the square"
        await queue.stop(1)

    asyncio.run(main())
