"""Candidates for one Lease, at the real API server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox import Sandbox
from setops.api.kinds import LEASE, Key
from setops.kube.client import Client
from setops.kube.connection import Connection, connect
from setops.kube.lease import Durations, Lease, LeaseLost
from setops.kube.transport import Answer

FAST = Durations(duration=2.0, renew_deadline=1.0, retry_period=0.1)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Unused:
    """A transport that nobody may use."""

    failures = (OSError,)

    async def request(self, *_: object, **__: object) -> Answer:
        raise AssertionError

    async def close(self) -> None:
        """Nothing to close."""


class Unanswered:
    """A connection on which the first write arrives, and its answer never comes."""

    failures = (OSError,)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.written = asyncio.Event()

    async def request(self, method: str, *rest: Any, **more: Any) -> Answer:
        answer = await self._connection.request(method, *rest, **more)
        if method == "POST":
            self.written.set()
            await asyncio.Event().wait()
        return answer

    async def close(self) -> None:
        await self._connection.close()


@contextlib.asynccontextmanager
async def client_of(sandbox: Sandbox) -> AsyncIterator[Client]:
    client = Client(await connect(str(sandbox.kubeconfig)))
    try:
        yield client
    finally:
        await client.close()


async def within(seconds: float, lease: Lease) -> bool:
    """Whether a Lease is acquired in time."""
    try:
        async with asyncio.timeout(seconds):
            await lease.acquire()
    except TimeoutError:
        return False
    return True


def test_the_second_waits_until_the_first_gives_it_back(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with client_of(sandbox) as client:
            first = Lease(client, namespace, "l", identity="first", durations=FAST)
            second = Lease(client, namespace, "l", identity="second", durations=FAST)
            await first.acquire()
            assert not await within(0.5, second)
            assert second.holder == "first"
            await first.release()
            assert await within(1.0, second), "long before the Lease would expire"
            record = await client.get(Key(LEASE, namespace, "l"))
            assert record["spec"]["holderIdentity"] == "second"
            assert record["spec"]["leaseTransitions"] == 1
            assert record["spec"]["leaseDurationSeconds"] == 2

    asyncio.run(story())


def test_a_silent_holder_is_replaced_by_the_observers_clock(
    sandbox: Sandbox, namespace: str
) -> None:
    async def story() -> None:
        async with client_of(sandbox) as client:
            clock = Clock()
            first = Lease(client, namespace, "l", identity="first", durations=FAST)
            second = Lease(client, namespace, "l", identity="second", durations=FAST, clock=clock)
            await first.acquire()
            clock.now += 100  # it has not seen the record yet
            assert not await within(0.3, second)
            clock.now += 1.9
            assert not await within(0.3, second)
            clock.now += 0.2
            assert await within(1.0, second)

    asyncio.run(story())


def test_renewals_keep_the_lease(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with client_of(sandbox) as client:
            clock = Clock()
            first = Lease(client, namespace, "l", identity="first", durations=FAST)
            second = Lease(client, namespace, "l", identity="second", durations=FAST, clock=clock)
            await first.acquire()
            holding = asyncio.create_task(first.hold())
            for _ in range(4):
                assert not await within(0.3, second)
                clock.now += 1.5
            holding.cancel()

    asyncio.run(story())


def test_who_is_robbed_notices(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with client_of(sandbox) as client:
            first = Lease(client, namespace, "l", identity="first", durations=FAST)
            await first.acquire()
            await client.merge_patch(
                Key(LEASE, namespace, "l"), {"spec": {"holderIdentity": "thief"}}
            )
            with pytest.raises(LeaseLost, match="held by 'thief'"):
                await first.hold()
            await first.release()
            record = await client.get(Key(LEASE, namespace, "l"))
            assert record["spec"]["holderIdentity"] == "thief"

    asyncio.run(story())


def test_a_touched_or_deleted_record_does_not_end_a_reign(sandbox: Sandbox, namespace: str) -> None:
    key = Key(LEASE, namespace, "l")

    async def story() -> None:
        async with client_of(sandbox) as client:
            first = Lease(client, namespace, "l", identity="first", durations=FAST)
            await first.acquire()
            holding = asyncio.create_task(first.hold())
            await client.merge_patch(key, {"metadata": {"labels": {"a": "b"}}})
            await asyncio.sleep(0.3)
            await client.delete(key)
            await asyncio.sleep(0.5)
            assert not holding.done()
            assert (await client.get(key))["spec"]["holderIdentity"] == "first"
            holding.cancel()

    asyncio.run(story())


def test_a_renewal_that_was_cut_off_does_not_keep_the_lease(
    sandbox: Sandbox, namespace: str
) -> None:
    """As at the end of the operator, when the record has changed since its holder last saw it."""
    key = Key(LEASE, namespace, "l")

    async def story() -> None:
        async with client_of(sandbox) as client:
            first = Lease(client, namespace, "l", identity="first", durations=FAST)
            await first.acquire()
            await client.merge_patch(key, {"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}})
            await first.release()
            assert (await client.get(key))["spec"].get("holderIdentity", "") == ""
            await client.delete(key)
            await first.release()

    asyncio.run(story())


def test_a_take_that_was_cut_off_is_given_back(sandbox: Sandbox, namespace: str) -> None:
    """As when the operator is ended before it has heard that it leads."""
    key = Key(LEASE, namespace, "l")

    async def story() -> None:
        connection = Unanswered(await connect(str(sandbox.kubeconfig)))
        lease = Lease(Client(connection), namespace, "l", identity="first", durations=FAST)
        taking = asyncio.create_task(lease.acquire())
        await connection.written.wait()
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        async with client_of(sandbox) as client:
            assert (await client.get(key))["spec"]["holderIdentity"] == "first"
            await lease.release()
            assert (await client.get(key))["spec"].get("holderIdentity", "") == ""
        await connection.close()

    asyncio.run(story())


def test_who_cannot_renew_gives_up_before_another_may_take_over() -> None:
    async def story() -> None:
        clock = Clock()
        lease = Lease(Client(Unused()), "ns", "l", identity="first", durations=FAST, clock=clock)
        clock.now += FAST.renew_deadline
        with pytest.raises(LeaseLost, match="not renewed in"):
            await lease.hold()

    asyncio.run(story())


@pytest.mark.parametrize("times", [(2, 2, 1), (3, 2, 2), (3, 2, 0), (0.9, 0.5, 0.1)])
def test_times_that_make_no_sense(times: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="Lease"):
        Durations(*times)
