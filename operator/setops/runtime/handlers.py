"""kopf's handlers: one for each kind that users write.

Each puts its event into the cache. What follows from a change is decided in one place: the cache
calls its listener, which marks the keys that `reconcile/triggers.py` names. `work` connects them.
kopf itself writes nothing: no Events, no annotations, no finalizers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any, Final

import kopf

from setops.api.kinds import (
    APP,
    CHANGESET,
    GROUP,
    NOTIFICATION,
    ORGANIZATION,
    PROJECT,
    SERVICE,
    STAGE,
    Kind,
)
from setops.kube.client import PAGE
from setops.kube.connection import CONNECT_TIMEOUT, Connection
from setops.kube.informer import INACTIVITY_TIMEOUT, WATCH_SECONDS
from setops.kube.transport import REQUEST_TIMEOUT
from setops.runtime.watches import Watches

IDLE_TIMEOUT: Final = 0.05
"""Seconds for which kopf keeps a task and the last event of an object after handling it."""

RECONNECT_PAUSE: Final = 0.1
"""Seconds for which kopf waits after a watch before it opens the next one."""

_WATCHER: Final = "watcher for "
"""How the names of kopf's watching tasks begin."""


def handlers(watches: Watches) -> kopf.OperatorRegistry:
    """Every kind that users write, and what happens to its events."""
    registry = kopf.OperatorRegistry()

    @kopf.on.event(*_at(ORGANIZATION), registry=registry)
    async def organization(event: kopf.RawEvent, **_: Any) -> None:
        watches.take(ORGANIZATION, event)

    @kopf.on.event(*_at(PROJECT), registry=registry)
    async def project(event: kopf.RawEvent, **_: Any) -> None:
        watches.take(PROJECT, event)

    @kopf.on.event(*_at(STAGE), registry=registry)
    async def stage(event: kopf.RawEvent, **_: Any) -> None:
        watches.take(STAGE, event)

    @kopf.on.event(*_at(APP), registry=registry)
    async def app(event: kopf.RawEvent, **_: Any) -> None:
        watches.take(APP, event)

    @kopf.on.event(*_at(SERVICE), registry=registry)
    async def service(event: kopf.RawEvent, **_: Any) -> None:
        watches.take(SERVICE, event)

    @kopf.on.event(*_at(NOTIFICATION), registry=registry)
    async def notification(event: kopf.RawEvent, **_: Any) -> None:
        watches.take(NOTIFICATION, event)

    @kopf.on.event(*_at(CHANGESET), registry=registry)
    async def changeset(event: kopf.RawEvent, **_: Any) -> None:
        watches.take(CHANGESET, event)

    return registry


def _at(kind: Kind) -> tuple[str, str, str]:
    return kind.group, kind.version, kind.plural


def settings() -> kopf.OperatorSettings:
    """kopf's settings: it writes nothing, and its watches notice when they are dead."""
    configured = kopf.OperatorSettings()
    configured.posting.enabled = False
    configured.persistence.finalizer = f"{GROUP}/unused"
    configured.persistence.diffbase_storage = _NoDiffs()
    configured.persistence.progress_storage = _NoProgress()
    # CRDs come with the chart, before the operator; watching all of a cluster's costs megabytes.
    configured.scanning.disabled = True
    configured.watching.server_timeout = WATCH_SECONDS
    configured.watching.connect_timeout = CONNECT_TIMEOUT
    configured.watching.inactivity_timeout = INACTIVITY_TIMEOUT
    configured.watching.reconnect_backoff = RECONNECT_PAUSE
    configured.watching.chunk_size = PAGE
    configured.queueing.idle_timeout = IDLE_TIMEOUT
    configured.networking.request_timeout = REQUEST_TIMEOUT
    configured.networking.connect_timeout = CONNECT_TIMEOUT
    configured.process.ultimate_exiting_timeout = None
    return configured


async def run_kopf(
    connection: Connection, watches: Watches, identity: str, take_signals: Callable[[], None]
) -> None:
    """Run kopf until cancelled. Raises what ended one of its watches for good.

    `identity` is the name of this replica. Without one kopf asks the system who runs it, which
    fails under a uid that /etc/passwd lacks, as most images lack that of the pod.
    kopf takes SIGTERM and SIGINT for itself when it starts; `take_signals` is called after that.
    """
    registry = handlers(watches)

    # Only once: the session renews its own credentials. If kopf logs in again, it closes the
    # session that all other watches still use, and ends.
    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return kopf.AiohttpSession(server=connection.server, aiohttp_session=connection.session())

    name: Any = identity  # kopf's type for it is a str that isn't public
    tasks = await kopf.spawn_tasks(
        registry=registry,
        settings=settings(),
        identity=name,
        clusterwide=True,
        standalone=True,
    )
    take_signals()
    try:
        # Not `kopf.operator`: on its end that would also wait for all tasks that are not its own.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        raise RuntimeError(f"kopf ended: {', '.join(task.get_name() for task in done)}")
    finally:
        await _end(tasks)


async def _end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """End kopf, given its root tasks.

    kopf suppresses a cancellation that comes while it closes a watch, and would open the next one,
    for ever. So its watchers are cancelled again, often enough to meet the pause in between.
    """
    for task in tasks:
        task.cancel()
    pending = set(tasks)
    while pending:
        _, pending = await asyncio.wait(pending, timeout=RECONNECT_PAUSE / 2)
        for task in asyncio.all_tasks():
            if task.get_name().startswith(_WATCHER):
                task.cancel()


class _NoDiffs(kopf.DiffBaseStorage):
    """Spares kopf the deep copies by which it detects changes; only other handlers need those."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """Spares kopf the search for its own annotations, of which there are none."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence
