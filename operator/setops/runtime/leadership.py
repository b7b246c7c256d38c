"""Runs the work of a leader while it holds the Lease of its installation and that of the cluster.

Both are given back at a clean end. The work is cancelled at once if one is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from setops.kube.errors import ApiError
from setops.kube.lease import LeaseLost

CLEAN: Final = 0
FAILED: Final = 1

_log = logging.getLogger(__name__)


class Work(Protocol):
    """The work of a leader."""

    async def run(self) -> None:
        """Work until cancelled. Returning counts as a failure, as raising does."""

    async def drain(self) -> None:
        """Finish what is running and start nothing new. Called before `run` is cancelled."""


class HeldLease(Protocol):
    """A Lease as `kube.lease.Lease` has it, in whatever thread it is renewed."""

    async def acquire(self, refused: Callable[[str], None] = ...) -> None:
        """Wait until it is ours."""

    async def hold(self) -> None:
        """Renew it, until cancelled. Raises LeaseLost."""

    async def release(self) -> None:
        """Give it back."""


@dataclass(slots=True)
class Leases:
    """The Lease of this installation, which one of its replicas holds, and the cluster's.

    The holder of the first also needs `cluster`, of which there is one for all installations: two
    that work on the same objects would undo each other's work. `other` is the installation that
    has it; empty while none is in the way.
    """

    own: HeldLease
    cluster: HeldLease
    other: str = ""

    def refused(self, holder: str) -> None:
        """Another installation has the cluster; say so once."""
        if holder and holder != self.other:
            _log.error(
                "Another installation of this operator leads this cluster: that of Lease %s. This "
                "one does nothing until that one has ended; uninstall one of the two",
                holder,
            )
        self.other = holder


async def lead(leases: Leases, work: Work, stop: asyncio.Event) -> int:
    """Stand by, lead, and end on `stop`. Returns the exit code of the process.

    It isn't 0 if a Lease was lost or the work failed. The process should end then.
    """
    acquiring = asyncio.create_task(leases.own.acquire(), name="acquire")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        _log.info("Standing by")
        await asyncio.wait({acquiring, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not acquiring.done():
            return CLEAN
        acquiring.result()
        return await _alone(leases, work, stopping)
    finally:
        await _end(acquiring, stopping)
        await _release(leases.own)


async def _alone(leases: Leases, work: Work, stopping: asyncio.Task[bool]) -> int:
    """Lead once no other installation does."""
    try:
        code = CLEAN
        if await _claimed(leases, stopping):
            _log.info("Leading")
            code = await _work(leases, work, stopping)
    except LeaseLost as error:
        # The cluster's Lease isn't given back: the replica that leads by now has it under the same
        # name.
        _log.error("No longer leading: %s", error)
        return FAILED
    except BaseException:
        await _release(leases.cluster)
        raise
    await _release(leases.cluster)
    return code


async def _claimed(leases: Leases, stopping: asyncio.Task[bool]) -> bool:
    """Wait until the cluster is ours; False if we are to stop before. Raises LeaseLost."""
    holding = asyncio.create_task(leases.own.hold(), name="lease")
    claiming = asyncio.create_task(leases.cluster.acquire(leases.refused), name="claim")
    try:
        await asyncio.wait({holding, claiming, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if holding.done():
            holding.result()
        if not claiming.done():
            return False
        claiming.result()
        leases.other = ""
        return True
    finally:
        await _end(claiming, holding)


async def _hold(leases: Leases) -> None:
    """Renew both Leases, until cancelled. Raises LeaseLost."""
    tasks = [asyncio.create_task(lease.hold()) for lease in (leases.own, leases.cluster)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await _end(*tasks)


async def _work(leases: Leases, work: Work, stopping: asyncio.Task[bool]) -> int:
    holding = asyncio.create_task(_hold(leases), name="leases")
    working = asyncio.create_task(work.run(), name="work")
    try:
        await asyncio.wait({holding, working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done() and not holding.done() and not working.done():
            _log.info("Stopping")
            draining = asyncio.create_task(work.drain(), name="drain")
            await asyncio.wait({draining, holding}, return_when=asyncio.FIRST_COMPLETED)
            if not holding.done():
                draining.result()
                return CLEAN
            await _end(draining)
        if holding.done():
            holding.result()
        _log.error("The work ended", exc_info=working.exception())
        return FAILED
    finally:
        await _end(working, holding)


async def _end(*tasks: asyncio.Task[object] | asyncio.Task[None] | asyncio.Task[bool]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _release(lease: HeldLease) -> None:
    try:
        await lease.release()
    except ApiError as error:
        _log.warning("The Lease was not given back: %s", error)
