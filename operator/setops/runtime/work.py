"""What a leader does: watch, reconcile what changed, and now and then everything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from setops.api.kinds import ORGANIZATION, SERVICE, STAGE, Key
from setops.api.names import namespace_beside
from setops.fence import Fence
from setops.kube.cache import ObjectChange
from setops.kube.cluster import Cluster
from setops.kube.connection import Connection
from setops.kube.events import EventRecorder
from setops.kube.watched import WRITTEN_BY_USERS
from setops.reconcile.triggers import spacing_after, triggered
from setops.runtime import collection, wiring
from setops.runtime.attempt import delay, observed
from setops.runtime.handlers import run_kopf
from setops.runtime.lanes import MAIN, LaneGroup
from setops.runtime.logging import about
from setops.runtime.metrics import Metrics
from setops.runtime.planner import Limits, ProcessPlanner
from setops.runtime.queue import Queue
from setops.runtime.settings import Settings
from setops.runtime.watches import Watches

AWS: Final = "aws"
"""The lane of what waits for AWS."""

AWS_PLACES: Final = 64
"""Its places. Who waits for AWS costs little.

Stages take turns, not accounts. The gateway bounds the calls of an account, far below the places,
and lets nobody wait long for one of them.
"""

_CALLS_AWS: Final = frozenset({ORGANIZATION, SERVICE})

SYNC_TIMEOUT: Final = 60.0
EVENTS_GRACE: Final = 3.0

_LAG_PERIOD: Final = 1.0
"""Seconds between two looks at how late the event loop is."""

_log = logging.getLogger(__name__)


def lane_group_of(key: Key) -> LaneGroup:
    """Where a key queues: a Stage and all in its namespace take turns with other Stages."""
    lane = AWS if key.kind in _CALLS_AWS else MAIN
    if key.kind is STAGE:
        return LaneGroup(lane, namespace_beside(key.namespace, key.name))
    return LaneGroup(lane, key.namespace or (key.kind.kind, key.name))


@dataclass(frozen=True, slots=True)
class Process:
    """What there is once in a process. `take_signals` makes SIGTERM and SIGINT ours again."""

    connection: Connection
    cluster: Cluster
    metrics: Metrics
    fence: Fence
    take_signals: Callable[[], None]


class Operator:
    """The work of a leader; see `leadership.Work`."""

    def __init__(self, settings: Settings, process: Process) -> None:
        cluster, metrics = process.cluster, process.metrics
        self._settings = settings
        self._connection = process.connection
        self._cluster = cluster
        self._metrics = metrics
        self._take_signals = process.take_signals
        self.watches = Watches(cluster.client, cluster.cache)
        self.events = EventRecorder(cluster.client, instance=settings.identity)
        limits = Limits(settings.plan_seconds, settings.plan_memory)
        self._planner = ProcessPlanner(limits, metrics.observe_plan)
        self.aws = wiring.gateway(settings, metrics, process.fence)
        handle = wiring.reconciler(
            wiring.Parts(settings, cluster, self.events, metrics, self.aws, self._planner)
        )
        self.queue: Queue[Key] = Queue(
            observed(handle, metrics),
            workers={MAIN: settings.workers, AWS: AWS_PLACES},
            delay=delay(settings.retry_cap),
            lane_group=lane_group_of,
            waited=lambda key, seconds: metrics.observe_wait(key.kind, seconds),
        )
        cluster.cache.listener = self._changed
        self.leading = False

    async def run(self) -> None:
        """Watch and reconcile until cancelled. Raises RuntimeError when a kind can't be listed."""
        self.leading = True
        self._metrics.leader.set(1)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._run_kopf(), name="kopf")
                group.create_task(self.watches.follow_children(self._connection), name="informers")
                group.create_task(self.watches.recount(), name="recounts")
                group.create_task(self.events.run(), name="events")
                group.create_task(self._reconcile(), name="reconcile")
                group.create_task(self._measure_lag(), name="lag")
        finally:
            self.leading = False
            self._metrics.leader.set(0)
            await self.queue.stop(0)
            await self._planner.stop()

    async def drain(self) -> None:
        """Let running reconciliations finish and their Events be written."""
        await self.queue.stop(self._settings.shutdown_grace)
        await self.events.flush(EVENTS_GRACE)

    async def _run_kopf(self) -> None:
        identity = self._settings.identity
        await run_kopf(self._connection, self.watches, identity, self._take_signals)

    async def _reconcile(self) -> None:
        try:
            async with asyncio.timeout(SYNC_TIMEOUT):
                await self.watches.synced.wait()
        except TimeoutError as error:
            raise RuntimeError(
                f"Not listed after {SYNC_TIMEOUT:g} s: {', '.join(self.watches.missing)}. Are the "
                "CRDs installed, and may the operator's ServiceAccount list and watch them?"
            ) from error
        self._metrics.synced.set(1)
        _log.info("In sync: %d objects", self._cluster.cache.counts().total())
        collection.exempt_what_lives()
        self.queue.start()
        while self._settings.resync:
            await asyncio.sleep(self._settings.resync)
            collection.exempt_what_lives()
            for kind in WRITTEN_BY_USERS:
                for key in self._cluster.cache.keys(kind):
                    self.queue.mark(key)
        await asyncio.Event().wait()

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _LAG_PERIOD
            await asyncio.sleep(_LAG_PERIOD)
            self._metrics.loop_lag.observe(max(loop.time() - due, 0.0))

    def _changed(self, change: ObjectChange) -> None:
        """Mark what a change sets off, whether an event or one of our own writes brought it."""
        try:
            spacing = spacing_after(self._cluster, change)
            for key in triggered(self._cluster, change):
                self.queue.mark_paced(key, spacing)
        except Exception:
            # One object that can't be handled must not keep all others from being followed.
            with about(change.key):
                _log.exception("Nothing was marked for reconciliation, after an unexpected error")
        if change.new is None:
            self.queue.forget(change.key)
