"""Plans in processes: the same as at once, and within their limits."""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition, load
from setops.api.section import SECTIONS
from setops.changes.outcome import GitHeld, Outcome, Question, outcome_of
from setops.language.command import CommandContext
from setops.reconcile.planner import BusyError, TooCostlyError
from setops.runtime.planner import Limits, ProcessPlanner

CONTEXT = CommandContext(organization="acme", project="shop", stage="live", registry=None)
WEB = {"image": "registry.example.com/web:1", "env": {"A": {"value": "1"}}}
EMPTY = StageDefinition()
WITH_WEB = load({"apps": {"web": WEB}})
MANAGED = {
    "metadata": {
        "name": "web",
        "managedFields": [
            {
                "manager": "argocd-controller",
                "operation": "Apply",
                "fieldsV1": {"f:spec": {"f:resources": {"f:scale": {}}}},
            }
        ],
    },
    "spec": WEB,
}


def question(base: StageDefinition, now: StageDefinition, **spec: Any) -> Question:
    held = GitHeld(frozenset({"argocd-controller"}), {("apps", "web"): MANAGED})
    return Question(base, now, ChangesetSpec(**spec), CONTEXT, 1, 100_000, held)


def heavy(apps: int, variables: int) -> Question:
    env = {f"KEY{number}": {"value": "x"} for number in range(variables)}
    app = {"image": "registry.example.com/web:1", "env": env}
    definition = {"apps": {f"app{number}": app for number in range(apps)}}
    commands = [f"--app app{number % apps} env:set NEW{number}=v" for number in range(200)]
    return question(EMPTY, EMPTY, definition=definition, commands=commands)


CASES = {
    "something new": question(EMPTY, EMPTY, commands=["app:create web"]),
    "nothing": question(WITH_WEB, WITH_WEB, commands=["--app web env:set A=1"]),
    "an error": question(EMPTY, EMPTY, commands=["--app web resource:set scale 2"]),
    "a conflict": question(
        WITH_WEB,
        load({"apps": {"web": {**WEB, "env": {"A": {"value": "2"}}}}}),
        commands=["--app web env:set A=3"],
    ),
    "what Git holds": question(WITH_WEB, WITH_WEB, commands=["--app web resource:set scale 2"]),
    "a Service": question(EMPTY, EMPTY, commands=["--service data service:create s3 --version 1"]),
    "a destruction": question(WITH_WEB, WITH_WEB, commands=["app:destroy web"]),
    "a definition": question(WITH_WEB, WITH_WEB, definition={"apps": {}}, prune=True),
    "much": heavy(20, 100),
}


def asked(planner: ProcessPlanner, *questions: Question) -> list[Outcome]:
    async def story() -> list[Outcome]:
        try:
            return [await planner.outcome(each, "shop-live") for each in questions]
        finally:
            await planner.stop()

    return asyncio.run(story())


class Ways:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, way: str, seconds: float) -> None:
        assert seconds >= 0
        self.seen.append(way)


@pytest.fixture(scope="module")
def answers() -> dict[str, Outcome]:
    """Every case answered by a process, as if its Stage's last plan had taken long."""

    async def story() -> list[Outcome]:
        planner = ProcessPlanner(Limits(), Ways())
        try:
            return [
                (await planner._commits.ask(each)).outcome or pytest.fail("x")
                for each in CASES.values()
            ]
        finally:
            await planner.stop()

    return dict(zip(CASES, asyncio.run(story()), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_a_process_comes_to_the_same(case: str, answers: dict[str, Outcome]) -> None:
    assert answers[case] == outcome_of(CASES[case])


def test_the_sections_stay_the_same_objects() -> None:
    copies = [pickle.loads(pickle.dumps(each)) for each in SECTIONS]  # noqa: S301 - our own
    assert copies == list(SECTIONS)


def test_what_is_small_is_made_at_once_and_what_is_large_is_not() -> None:
    ways = Ways()
    asked(ProcessPlanner(Limits(), ways), CASES["something new"], CASES["much"])
    assert ways.seen == ["inline", "process"]


def test_a_stage_whose_last_plan_took_long_is_planned_in_a_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ways = Ways()
    planner = ProcessPlanner(Limits(), ways)
    monkeypatch.setattr("setops.runtime.planner.SMALL", 0.0)
    asked(planner, CASES["something new"])
    assert ways.seen == ["process"]


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (Limits(seconds=0.001, memory=192), "0.001 s of CPU"),
        (Limits(seconds=10, memory=60), "60 MiB of memory"),
    ],
)
def test_who_takes_too_much_is_told_the_bound_and_the_next_is_served(
    limits: Limits, told: str
) -> None:
    ways = Ways()
    planner = ProcessPlanner(limits, ways)

    async def story() -> None:
        with pytest.raises(TooCostlyError, match=told):
            await planner.outcome(heavy(100, 450), "shop-live")
        assert planner.seconds("shop-live") == limits.seconds
        assert (await planner.outcome(CASES["something new"], "other-live")).problems == ()
        await planner.stop()

    asyncio.run(story())
    assert ways.seen == ["refused", "inline"]


def unread() -> Question:
    """One that a process with little memory can't even read."""
    return question(EMPTY, EMPTY, definition={"apps": {"web": {"image": "x" * 80_000_000}}})


def large() -> Question:
    """One whose answer is as large as itself, since it holds all that there is afterwards."""
    env = {f"KEY{number}": {"value": "x" * 100} for number in range(400)}
    apps = {f"app{number}": {**WEB, "env": env} for number in range(60)}
    base = load({"apps": apps})
    return question(base, base, commands=["--app app1 env:set A=3"])


@pytest.mark.parametrize(
    ("asks", "memory"),
    [(unread, 60), *((large, memory) for memory in (20, 36, 44, 60))],
)
def test_wherever_memory_runs_out_the_bound_is_told(
    asks: Callable[[], Question], memory: int
) -> None:
    """While the question is read, in the plan, or while the answer is packed."""

    async def story() -> str:
        planner = ProcessPlanner(Limits(seconds=10, memory=memory), Ways())
        try:
            await planner.outcome(asks(), "shop-live")
        except TooCostlyError as error:
            return str(error)
        finally:
            await planner.stop()
        return ""

    told = asyncio.run(story())
    assert f"{memory} MiB of memory" in told or (asks is large and memory >= 40)


def test_no_process_is_left_and_none_runs_without_need() -> None:
    async def story() -> None:
        planner = ProcessPlanner(Limits(), Ways())
        await planner.outcome(CASES["something new"], "shop-live")
        assert planner._commits._running is None
        await planner.outcome(CASES["much"], "shop-live")
        running = planner._commits._running
        assert running is not None
        os.kill(running.pid, 0)
        await planner.stop()
        with pytest.raises(ProcessLookupError):
            os.kill(running.pid, 0)

    asyncio.run(story())


@pytest.mark.parametrize(("for_commit", "held"), [(False, 1), (True, 2)])
def test_a_costly_plan_holds_up_no_small_one_and_few_workers(
    *, for_commit: bool, held: int
) -> None:
    costly = replace(heavy(50, 200), for_commit=for_commit)
    small = replace(CASES["something new"], for_commit=for_commit)

    async def story() -> None:
        planner = ProcessPlanner(Limits(), Ways())
        tasks = [asyncio.create_task(planner.outcome(costly, f"s{n}-live")) for n in range(4)]
        await asyncio.sleep(0)
        assert [task.done() for task in tasks].count(False) == held
        for task in tasks[held:]:
            with pytest.raises(BusyError):
                await task
        assert await planner.outcome(small, "other-live") == outcome_of(small)
        assert not tasks[0].done()
        for task in tasks[:held]:
            assert await task == outcome_of(costly)
        assert await planner.outcome(costly, "s3-live") == outcome_of(costly)
        await planner.stop()

    asyncio.run(story())


def test_one_that_is_cancelled_leaves_no_answer_to_the_next() -> None:
    async def story() -> None:
        planner = ProcessPlanner(Limits(), Ways())
        first = asyncio.create_task(planner.outcome(heavy(50, 200), "shop-live"))
        while planner._commits._running is None:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert await planner.outcome(CASES["much"], "shop-live") == outcome_of(CASES["much"])
        await planner.stop()

    asyncio.run(story())
