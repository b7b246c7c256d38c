"""What a leader does: watch, reconcile what changed, and now and then everything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from setops.api.kinds import APP, DEPLOYMENT, NOTIFICATION, OURS, POD, SERVICE, Key
from setops.kube.cache import Change
from setops.kube.cluster import Cluster
from setops.kube.connection import Connection
from setops.kube.events import EventRecorder
from setops.runtime import wiring
from setops.runtime.attempt import delay, observed
from setops.runtime.feed import Feed
from setops.runtime.handlers import WATCHED, watch
from setops.runtime.logging import about
from setops.runtime.metrics import Metrics
from setops.runtime.queue import Queue
from setops.runtime.settings import Settings

_PACED: Final = frozenset({APP, DEPLOYMENT, NOTIFICATION, POD, SERVICE})
_PACE: Final = 0.25
"""Seconds between two looks at what only counts or waits for these: while many of them roll out,
each report would otherwise be followed by one of its Stage, of its Changeset, and so on."""

SYNC_TIMEOUT: Final = 60.0
EVENTS_GRACE: Final = 3.0

_log = logging.getLogger(__name__)


class Operator:
    """The work of a leader; see `leadership.Work`."""

    def __init__(
        self,
        settings: Settings,
        connection: Connection,
        cluster: Cluster,
        metrics: Metrics,
        take_signals: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._cluster = cluster
        self._metrics = metrics
        self._take_signals = take_signals
        self.feed = Feed(cluster.cache, WATCHED)
        self.events = EventRecorder(cluster.client, instance=settings.identity)
        reconcilers = wiring.build(wiring.Parts(settings, cluster, self.events, metrics))
        self._routes = reconcilers.routes
        self.queue: Queue[Key] = Queue(
            observed(reconcilers.handle, metrics),
            workers=settings.workers,
            delay=delay(settings.retry_cap),
        )
        cluster.cache.listener = self._changed
        self.leading = False

    async def run(self) -> None:
        """Watch and reconcile until cancelled. Raises RuntimeError when a kind can't be listed."""
        self.leading = True
        self._metrics.leader.set(1)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch(), name="watch")
                group.create_task(self.events.run(), name="events")
                group.create_task(self._reconcile(), name="reconcile")
        finally:
            self.leading = False
            self._metrics.leader.set(0)
            await self.queue.stop(0)

    async def drain(self) -> None:
        """Let running reconciliations finish and their Events be written."""
        await self.queue.stop(self._settings.shutdown_grace)
        await self.events.flush(EVENTS_GRACE)

    async def _watch(self) -> None:
        await watch(self._connection, self.feed, self._take_signals)

    async def _reconcile(self) -> None:
        try:
            async with asyncio.timeout(SYNC_TIMEOUT):
                await self.feed.synced.wait()
        except TimeoutError as error:
            raise RuntimeError(
                f"Not listed after {SYNC_TIMEOUT:g} s: {', '.join(self.feed.missing)}. Are the "
                "CRDs installed, and may the operator's ServiceAccount list and watch them?"
            ) from error
        self._metrics.synced.set(1)
        _log.info("In sync: %d objects", self._cluster.cache.counts().total())
        self.queue.start()
        while self._settings.resync:
            await asyncio.sleep(self._settings.resync)
            for kind in OURS:
                for key in self._cluster.cache.keys(kind):
                    self.queue.mark(key)
        await asyncio.Event().wait()

    def _changed(self, change: Change) -> None:
        try:
            spacing = _PACE if change.of_status_alone and change.key.kind in _PACED else 0.0
            for key in self._routes(change):
                self.queue.mark_paced(key, spacing)
        except Exception:
            # One object that nobody thought of must not end the watch of all others.
            with about(change.key):
                _log.exception("Nothing was marked for reconciliation, after an unexpected error")
        if change.new is None:
            self.queue.forget(change.key)
