"""One hostile Stage beside a good one: what the good one's commits take, alone and under attack."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from bench import work
from bench.figures import Figure
from bench.lab import Lab, in_parallel
from bench.lab import lab as new_lab
from bench.process import Process
from setops.api.conditions import ConditionType, is_true
from setops.api.kinds import APP, CHANGESET, ORGANIZATION, PROJECT, STAGE, Key, Object
from setops.kube.errors import ApiError

_GOOD: Final = work.namespace_of("good")
_HOSTILE: Final = work.namespace_of("hostile")
_RATIO: Final = 1.5
_MEMORY: Final = 256.0
_AWAY: Final = "away"

Attack = Callable[["Field"], contextlib.AbstractAsyncContextManager[None]]


@dataclass
class Field:
    """The Stages, the operator, and the sizes of the attacks."""

    lab: Lab
    scale: float
    """1 for the attacks as they are, less for a quick look."""
    commits: int
    memory: float = 0.0
    """MiB of the operator and its processes together, at most."""
    number: int = 0
    alone: list[float] = field(default_factory=list)
    """The seconds of each commit while nothing else went on."""
    ratios: dict[str, float] = field(default_factory=dict)

    def count(self, number: int) -> int:
        """So many of something, or fewer for a quick look."""
        return max(2, int(number * self.scale))

    async def commit(self) -> float:
        """The seconds that a small commit of the good Stage takes."""
        self.number += 1
        name = f"good{self.number}"
        commands = [f"--app web env:set LEVEL={self.number}"]
        made = work.manifest(CHANGESET, name, {"commit": True, "commands": commands}, _GOOD)
        started = time.monotonic()
        await self.lab.client.create(made)
        key = Key(CHANGESET, _GOOD, name)

        async def is_committed() -> bool:
            live = await self.lab.client.get(key)
            return is_true(live.get("status"), ConditionType.COMPLETE, 1)

        await self.lab.until(is_committed, f"the commit {name}", poll=0.01)
        return time.monotonic() - started

    async def several(self) -> list[float]:
        """The seconds that each of several commits takes, one a second."""
        taken = []
        for _ in range(self.commits):
            taken.append(await self.commit())
            await asyncio.sleep(1)
        return taken

    async def ratio(self, attack: Attack) -> float:
        """What a commit takes under an attack, by what it takes alone.

        Alone is measured before and after: a Stage's history grows all the time, and a machine
        isn't always equally fast.
        """
        alone = await self.several()
        async with attack(self):
            attacked = await self.several()
        alone += await self.several()
        self.alone += alone
        return statistics.median(attacked) / statistics.median(alone)

    async def watch_memory(self) -> None:
        """Note the most memory that is ever taken, until cancelled."""
        process = Process(self.lab.operator)
        while True:
            with contextlib.suppress(OSError):
                self.memory = max(self.memory, process.memory_with_children)
            await asyncio.sleep(0.2)

    @contextlib.asynccontextmanager
    async def edited_each_second(self) -> AsyncIterator[None]:
        """Somebody scales an App of the hostile Stage again and again."""

        async def edit() -> None:
            scale = 0
            while True:
                scale = 1 - scale
                patch = {"spec": {"env": {"FLIP": {"value": str(scale)}}}}
                with contextlib.suppress(ApiError):
                    await self.lab.client.merge_patch(Key(APP, _HOSTILE, "web"), patch)
                await asyncio.sleep(1)

        editing = asyncio.create_task(edit())
        try:
            yield
        finally:
            editing.cancel()
            await asyncio.gather(editing, return_exceptions=True)

    async def clear(self) -> None:
        """Delete the Changesets of the hostile Stage."""
        found = await self.lab.client.list(CHANGESET, _HOSTILE)

        async def delete(obj: Object) -> None:
            with contextlib.suppress(ApiError):
                await self.lab.client.delete(Key(CHANGESET, _HOSTILE, obj["metadata"]["name"]))

        await in_parallel(map(delete, found))


def _large(name: str, user: str, **more: Any) -> Object:
    """1.1 MB: a hundred Apps of 450 variables, and 999 commands."""
    env = {f"KEY{number}": {"value": "x"} for number in range(450)}
    definition = {"apps": {f"app{number}": {"env": env} for number in range(100)}}
    commands = [f"--app app{number % 100} env:set NEW{number}=v" for number in range(999)]
    spec = {"user": user, "definition": definition, "commands": commands, **more}
    return work.manifest(CHANGESET, name, spec, _HOSTILE)


def _create(at: Field, objects: list[Object]) -> Awaitable[None]:
    return in_parallel(at.lab.client.create(each) for each in objects)


@contextlib.asynccontextmanager
async def large_ones_of_one_user(at: Field) -> AsyncIterator[None]:
    await _create(at, [_large(f"large{n}", "eve@example.com") for n in range(at.count(12))])
    async with at.edited_each_second():
        yield
    await at.clear()


@contextlib.asynccontextmanager
async def large_ones_of_many_users(at: Field) -> AsyncIterator[None]:
    await _create(at, [_large(f"each{n}", f"eve{n}@example.com") for n in range(at.count(12))])
    async with at.edited_each_second():
        yield
    await at.clear()


@contextlib.asynccontextmanager
async def many_tiny_ones(at: Field) -> AsyncIterator[None]:
    made = [
        work.manifest(
            CHANGESET,
            f"tiny{n}",
            {"user": f"eve{n % 50}@example.com", "commands": ["app:create tiny"]},
            _HOSTILE,
        )
        for n in range(at.count(800))
    ]
    await _create(at, made)
    async with at.edited_each_second():
        yield
    await at.clear()


@contextlib.asynccontextmanager
async def discarded_large_ones(at: Field) -> AsyncIterator[None]:
    for number in range(at.count(20)):
        name = f"gone{number}"
        await at.lab.client.create(_large(name, "eve@example.com", discard=True))
    yield
    await at.clear()


@contextlib.asynccontextmanager
async def services_of_an_account_that_hangs(at: Field) -> AsyncIterator[None]:
    held: list[asyncio.StreamWriter] = []

    def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    aws = {"accountId": "111111111111", "region": "eu-central-1", "endpointUrl": endpoint}
    away = work.manifest(ORGANIZATION, _AWAY, {"aws": aws, "domain": "away.example.com"})
    await at.lab.client.apply(away)
    await at.lab.ready(work.manifest(PROJECT, _AWAY, {"organization": _AWAY}))
    await at.lab.ready(work.manifest(STAGE, "live", {}, _AWAY))
    await _create(at, [work.bucket(f"{_AWAY}-live", f"files{n}") for n in range(at.count(40))])
    yield
    for writer in held:
        writer.close()
    server.close()


@contextlib.asynccontextmanager
async def half_sent_requests(at: Field) -> AsyncIterator[None]:
    where = urlsplit(at.lab.operator.url)

    async def flood() -> None:
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(where.hostname, where.port)
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: ")
                held.append(writer)
            await asyncio.sleep(0.005)

    held: list[asyncio.StreamWriter] = []
    flooding = asyncio.create_task(flood())
    try:
        yield
    finally:
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        for writer in held:
            writer.close()


ATTACKS: Final[dict[str, Attack]] = {
    "12 open Changesets of 1.1 MB by one user": large_ones_of_one_user,
    "12 open Changesets of 1.1 MB by as many users": large_ones_of_many_users,
    "800 tiny open Changesets": many_tiny_ones,
    "20 discarded Changesets of 1.1 MB": discarded_large_ones,
    "half-sent requests to the health port": half_sent_requests,
    "40 Services of an account that hangs": services_of_an_account_that_hangs,
}


async def run(quick: bool) -> list[Figure]:
    """Each attack, one after the other; with fewer objects for a quick look."""
    async with new_lab() as (lab, _):
        await lab.project()
        await in_parallel(lab.ready(work.stage(name)) for name in ("good", "hostile"))
        for namespace in (_GOOD, _HOSTILE):
            await lab.ready(work.app(namespace, "web", scale=0))
        at = Field(lab, 0.1 if quick else 1.0, 3 if quick else 10)
        await at.commit()
        watching = asyncio.create_task(at.watch_memory())
        for name, attack in ATTACKS.items():
            at.ratios[name] = await at.ratio(attack)
            print(f"  {name}: {at.ratios[name]:.2f}; memory {at.memory:.0f} MiB", flush=True)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        lost = lab.operator.log.count("No longer leading") + (not lab.operator.alive)
    print(f"  a commit alone takes {statistics.median(at.alone):.2f} s", flush=True)
    return [
        *(Figure(name, ratio, "of a commit alone", _RATIO) for name, ratio in at.ratios.items()),
        Figure("memory under attack, with the processes for plans", at.memory, "MiB", _MEMORY),
        Figure("Leases lost under attack", lost, "", 0),
    ]
