"""A thousand Apps: what the operator writes when nothing changes, and what it costs."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from bench import work
from bench.figures import Figure
from bench.lab import Lab, in_parallel
from bench.lab import lab as new_lab
from bench.process import Process
from sandbox.proxy import Proxy
from setops.api.conditions import ConditionType, is_true
from setops.api.kinds import APP, LEASE, STAGE, Key

_STAGES: Final = 5
_STEADY: Final = 60.0
_CALM: Final = 3.0
"""Seconds without a reconciliation after which the operator counts as at rest."""

_BASE_TARGET: Final = 110.0
_SLOPE_TARGET: Final = 25.0
_RESTART_TARGET: Final = 5.0
_CHANGE_TARGET: Final = 4.0
_ROLLOUT_TARGET: Final = 12.0
_WITHOUT_ROLLOUT: Final = "without a rollout"


class Fleet:
    """Apps in several Stages, their operator, and the proxy in between."""

    def __init__(self, lab: Lab, proxy: Proxy) -> None:
        self.lab = lab
        self.proxy = proxy
        self.operator = lab.operator
        self.process = Process(lab.operator)
        self.stages = [f"fleet{number}" for number in range(_STAGES)]
        self._size = 0

    async def found(self) -> None:
        """Make the Stages."""
        await self.lab.project()
        for stage in self.stages:
            await self.lab.ready(work.stage(stage))
        await self.calm()

    async def grow(self, size: int) -> None:
        """Make Apps, evenly spread, until there are `size`, and wait until all of them run."""
        each = size // _STAGES
        names = work.app_names(each)[self._size :]
        await in_parallel(
            self.lab.client.apply(work.app(work.namespace_of(stage), name, scale=1))
            for name in names
            for stage in self.stages
        )
        self._size = each
        await self.lab.until(lambda: self._all_ready(each), f"{size} Apps to be ready", poll=1)
        await self.calm()

    async def _all_ready(self, each: int) -> bool:
        for stage in self.stages:
            live = await self.lab.client.get(Key(STAGE, work.PROJECT_NAME, stage))
            if live["status"].get("readyApps") != each:
                return False
        return True

    async def describe(self, stage: str, text: str) -> int:
        """Change what is written about every App of a Stage, which no container notices."""
        namespace = work.namespace_of(stage)
        names = work.app_names(self._size)
        patch = {"spec": {"env": {"LEVEL": {"description": text}}}}
        await in_parallel(
            self.lab.client.merge_patch(Key(APP, namespace, name), patch) for name in names
        )
        await self.lab.until(lambda: self._all_seen(namespace), "all to be seen", poll=1)
        await self.calm()
        return len(names)

    async def _all_seen(self, namespace: str) -> bool:
        return all(
            is_true(app.get("status"), ConditionType.READY, app["metadata"]["generation"])
            for app in await self.lab.client.list(APP, namespace)
        )

    async def change(self, stage: str, level: str, *, by_changeset: bool) -> int:
        """Change a variable of every App of a Stage, and wait until all run with it; how many."""
        namespace = work.namespace_of(stage)
        names = work.app_names(self._size)
        if by_changeset:
            await self.lab.client.apply(work.changing_changeset(namespace, names, level))
        else:
            patch = {"spec": {"env": {"LEVEL": {"value": level}}}}
            await in_parallel(
                self.lab.client.merge_patch(Key(APP, namespace, name), patch) for name in names
            )
        await self.lab.until(lambda: self._all_have(namespace, level), f"LEVEL {level}", poll=1)
        await self.calm()
        return len(names)

    async def _all_have(self, namespace: str, level: str) -> bool:
        return all(
            app["spec"]["env"]["LEVEL"]["value"] == level
            and is_true(app.get("status"), ConditionType.READY, app["metadata"]["generation"])
            for app in await self.lab.client.list(APP, namespace)
        )

    async def calm(self) -> None:
        """Wait until the operator has nothing to do, and has had nothing to do for a while."""
        before = -1.0
        while before != (now := self.process.reconciles()) or self.process.busy():
            before = now
            await asyncio.sleep(_CALM)

    async def quiet(self) -> None:
        """Wait until nothing is written any more, Events neither, which are written at leisure."""
        before = -1
        while before != (now := self.written().total()):
            before = now
            await asyncio.sleep(_CALM)

    def written(self) -> Counter[str]:
        """What the operator has written since the proxy's records were cleared, by verb and path.

        Without its Lease, which is no part of what it reconciles.
        """
        return Counter(
            f"{record.request.method} {record.request.path}"
            for record in self.proxy.writes
            if f"/{LEASE.plural}" not in record.request.path
        )

    async def restart(self) -> float:
        """End the operator and start it again; its CPU seconds until it is in sync and at rest."""
        await asyncio.to_thread(self.operator.stop)
        self.proxy.records.clear()
        self.operator.start()
        await asyncio.to_thread(self.operator.wait_ready)
        wanted = self._size * _STAGES

        async def is_through() -> bool:
            return self.process.reconciles() >= wanted and not self.process.busy()

        await self.lab.until(is_through, "every App to be reconciled once")
        return self.process.cpu


async def run(quick: bool) -> list[Figure]:
    """Memory, writes, CPU: with 1,000 Apps, or few for a quick look."""
    some, size = (20, 100) if quick else (250, 1000)
    steady = 10.0 if quick else _STEADY
    async with new_lab(proxied=True) as (lab, proxy):
        apps = Fleet(lab, proxy)
        await apps.found()
        process = apps.process
        memory = {0: process.memory}
        for step in (some, size):
            await apps.grow(step)
            memory[step] = process.memory
            print(f"  {step} Apps run; memory {memory[step]:.0f} MiB", flush=True)
        await apps.quiet()
        idle, at_rest = await _at_rest(apps, steady)
        _tell("at rest", at_rest)
        request = await _request(apps)
        changes = {_WITHOUT_ROLLOUT: await _describe(apps, idle=idle)} | {
            way: await _change(apps, stage, by_changeset=by_changeset, idle=idle)
            for stage, way, by_changeset in (
                (apps.stages[0], "directly", False),
                (apps.stages[1], "by a Changeset", True),
            )
        }
        restarts = [await apps.restart() for _ in range(3)]
        print(f"  restarts: {', '.join(f'{cpu:.2f} s' for cpu in restarts)} of CPU", flush=True)
        await apps.calm()
        at_restart = apps.written()
        _tell("at a restart", at_restart)
        after_restart = process.memory
    # From some Apps on: with the first ones come the pooled connections, once.
    slope = (memory[size] - memory[some]) * 1024 / (size - some)
    limit = _BASE_TARGET + _SLOPE_TARGET * size / 1024
    return [
        Figure(f"writes in {steady:.0f} s at rest, {size} Apps", at_rest.total(), "", 0),
        Figure(f"writes at a restart, {size} Apps", at_restart.total(), "", 0),
        Figure(
            f"restart until in sync, {size} Apps",
            statistics.median(restarts),
            "s of CPU",
            _RESTART_TARGET if not quick else None,
        ),
        Figure("memory without Apps", memory[0], "MiB", _BASE_TARGET),
        Figure(f"memory with {some} Apps", memory[some], "MiB"),
        Figure(f"memory with {size} Apps", memory[size], "MiB", limit),
        Figure("memory of one more App with its children", slope, "KiB", _SLOPE_TARGET),
        Figure(f"memory with {size} Apps after a restart", after_restart, "MiB"),
        *_of_changes(changes, request),
    ]


def _of_changes(changes: Mapping[str, float], request: float) -> Iterator[Figure]:
    for way, cost in changes.items():
        target = _CHANGE_TARGET if way == _WITHOUT_ROLLOUT else _ROLLOUT_TARGET
        yield Figure(f"App changed {way}", cost, "ms of CPU", target)
        yield Figure(f"App changed {way}", cost / request, "of one raw apply's CPU")


def _tell(when: str, writes: Counter[str]) -> None:
    for path, count in writes.most_common(10):
        print(f"  written {when}: {count} of {path}", flush=True)


async def _at_rest(apps: Fleet, seconds: float) -> tuple[float, Counter[str]]:
    """Share of a CPU that the operator uses when nothing happens, and what it writes."""
    apps.proxy.records.clear()
    before = apps.process.cpu
    await asyncio.sleep(seconds)
    return (apps.process.cpu - before) / seconds, apps.written()


async def _request(apps: Fleet) -> float:
    """Milliseconds of CPU that one apply costs its client, be it a dry run: the operator's own
    client, at the same time on the same machine."""
    lab, number = apps.lab, 200
    app = work.app(work.namespace_of(apps.stages[0]), work.app_names(1)[0], scale=1)
    before = time.process_time()
    await in_parallel(lab.client.apply(app, dry_run=True) for _ in range(number))
    return (time.process_time() - before) / number * 1000


async def _describe(apps: Fleet, *, idle: float) -> float:
    """As `_change`, for a change that replaces no container: what is the operator's own part."""
    loop = asyncio.get_running_loop()
    started, before = loop.time(), apps.process.cpu
    made = await apps.describe(apps.stages[2], "how much is logged")
    used = apps.process.cpu - before - idle * (loop.time() - started)
    cost = used / made * 1000
    print(f"  {made} Apps changed without a rollout: {cost:.1f} ms of CPU for each", flush=True)
    return cost


async def _change(apps: Fleet, stage: str, *, by_changeset: bool, idle: float) -> float:
    """Milliseconds of CPU for each of a Stage's Apps, without what is used at rest anyway."""
    loop = asyncio.get_running_loop()
    started, before = loop.time(), apps.process.cpu
    made = await apps.change(stage, "debug", by_changeset=by_changeset)
    used = apps.process.cpu - before - idle * (loop.time() - started)
    cost = used / made * 1000
    way = "by a Changeset" if by_changeset else "directly"
    print(f"  {made} Apps changed {way}: {cost:.1f} ms of CPU for each", flush=True)
    return cost
