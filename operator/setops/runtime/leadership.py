"""Runs the work of a leader while it holds the Lease.

The Lease is given back at a clean end. The work is cancelled at once if the Lease is lost.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol

from setops.kube.errors import ApiError
from setops.kube.lease import Lease, LeaseLost

CLEAN: Final = 0
FAILED: Final = 1

_log = logging.getLogger(__name__)


class Work(Protocol):
    """The work of a leader."""

    async def run(self) -> None:
        """Work until cancelled. Returning counts as a failure, as raising does."""

    async def drain(self) -> None:
        """Finish what is running and start nothing new. Called before `run` is cancelled."""


async def lead(lease: Lease, work: Work, stop: asyncio.Event) -> int:
    """Stand by, lead, and end on `stop`. Returns the exit code of the process.

    It isn't 0 if the Lease was lost or the work failed. The process should end then.
    """
    acquiring = asyncio.create_task(lease.acquire(), name="acquire")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        _log.info("Standing by")
        await asyncio.wait({acquiring, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not acquiring.done():
            return CLEAN
        acquiring.result()
        _log.info("Leading")
        return await _work(lease, work, stopping)
    finally:
        await _end(acquiring, stopping)
        await _release(lease)


async def _work(lease: Lease, work: Work, stopping: asyncio.Task[bool]) -> int:
    holding = asyncio.create_task(lease.hold(), name="lease")
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
            error = holding.exception()
            if not isinstance(error, LeaseLost):
                holding.result()
            _log.error("No longer leading: %s", error)
        else:
            _log.error("The work ended", exc_info=working.exception())
        return FAILED
    finally:
        await _end(working, holding)


async def _end(*tasks: asyncio.Task[object] | asyncio.Task[None] | asyncio.Task[bool]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _release(lease: Lease) -> None:
    try:
        await lease.release()
    except ApiError as error:
        _log.warning("The Lease was not given back: %s", error)
