"""The alarm of the kernel's: set while a Lease is held, and at no other time."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import cast

from setops.fence import Fence, Tenure, now
from setops.kube.lease import Durations, Lease
from setops.runtime.lease_thread import LeaseThread, ThreadedLease

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: none
contexts: [{name: none, context: {cluster: none, user: none}}]
clusters: [{name: none, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: none, user: {token: none}}]
"""

OFTEN = Durations(duration=15.0, renew_deadline=10.0, retry_period=0.02)


class Held:
    """A Lease that is never lost."""

    async def acquire(self, refused: Callable[[str], None] = lambda _: None) -> None:
        """Take it."""

    async def hold(self) -> None:
        """Keep it."""
        await asyncio.Event().wait()

    async def release(self) -> None:
        """Give it back."""


def alarm() -> float:
    return signal.getitimer(signal.ITIMER_REAL)[0]


async def windings(thread: LeaseThread) -> None:
    """Let the thread wind the alarm some times."""
    await thread.run(lambda: asyncio.sleep(OFTEN.retry_period * 2))


def test_the_alarm_is_set_while_a_lease_is_held_and_stays_off_afterwards(tmp_path: Path) -> None:
    """Its tenure lasts on: the process may take longer than that to end."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    tenure = Tenure("own")
    tenure.until = now() + 600
    thread = LeaseThread(Fence(tenure), OFTEN)
    lease = ThreadedLease(thread, cast(Lease, Held()))

    async def story() -> list[bool]:
        seen = []
        async with thread.running(str(kubeconfig)):
            for _ in range(2):
                holding = asyncio.create_task(lease.hold())
                await asyncio.sleep(0)
                await windings(thread)
                seen.append(alarm() > 0)
                holding.cancel()
                await asyncio.gather(holding, return_exceptions=True)
                await windings(thread)
                seen.append(alarm() > 0)
        return seen

    assert asyncio.run(story()) == [True, False, True, False]
    assert alarm() == 0
