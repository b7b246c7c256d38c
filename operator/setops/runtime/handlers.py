"""The routing table: which kinds are watched, and what happens to their events.

Every event only updates the cache; the cache tells of what changed, and `wiring` says which keys
that marks for reconciliation. kopf writes nothing: no Events, no annotations, no finalizers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import kopf

from setops.api import kinds
from setops.api.kinds import CHILDREN, GROUP, OURS, Kind
from setops.api.names import LABEL_MANAGED_BY, MANAGER
from setops.kube.connection import CONNECT_TIMEOUT, REQUEST_TIMEOUT, Connection
from setops.runtime.feed import Feed, response_class

WATCHED: Final = (*OURS, *CHILDREN)
SERVER_TIMEOUT: Final = 300
INACTIVITY_TIMEOUT: Final = 70.0
"""The API server sends a bookmark every 60 seconds; a watch that is silent for longer is dead."""

LISTING_PAGE: Final = 500


def routing_table(feed: Feed) -> kopf.OperatorRegistry:
    """Every kind and its handler."""
    registry = kopf.OperatorRegistry()

    @kopf.on.event(*_at(kinds.ORGANIZATION), registry=registry)
    @kopf.on.event(*_at(kinds.PROJECT), registry=registry)
    @kopf.on.event(*_at(kinds.STAGE), registry=registry)
    @kopf.on.event(*_at(kinds.APP), registry=registry)
    @kopf.on.event(*_at(kinds.SERVICE), registry=registry)
    @kopf.on.event(*_at(kinds.NOTIFICATION), registry=registry)
    @kopf.on.event(*_at(kinds.CHANGESET), registry=registry)
    async def ours(event: kopf.RawEvent, **_: Any) -> None:
        feed.take(event["type"], dict(event["object"]))

    @kopf.on.event(*_at(kinds.NAMESPACE), registry=registry)
    @kopf.on.event(*_at(kinds.SERVICE_ACCOUNT), registry=registry)
    @kopf.on.event(*_at(kinds.DEPLOYMENT), registry=registry)
    @kopf.on.event(*_at(kinds.CORE_SERVICE), registry=registry)
    @kopf.on.event(*_at(kinds.POD_DISRUPTION_BUDGET), registry=registry)
    @kopf.on.event(*_at(kinds.NETWORK_POLICY), registry=registry)
    @kopf.on.event(*_at(kinds.RESOURCE_QUOTA), registry=registry)
    @kopf.on.event(*_at(kinds.SECRET), registry=registry)
    @kopf.on.event(*_at(kinds.POD), registry=registry)
    @kopf.on.event(*_at(kinds.CONTROLLER_REVISION), registry=registry)
    async def child(event: kopf.RawEvent, **_: Any) -> None:
        feed.take(event["type"], dict(event["object"]))

    return registry


def _at(kind: Kind) -> tuple[str, str, str]:
    return kind.group, kind.version, kind.plural


def settings() -> kopf.OperatorSettings:
    """How kopf is to behave: quietly, and with watches that notice when they are dead."""
    configured = kopf.OperatorSettings()
    configured.posting.enabled = False
    configured.persistence.finalizer = f"{GROUP}/unused"
    configured.persistence.diffbase_storage = _NoDiffs()
    configured.persistence.progress_storage = _NoProgress()
    # CRDs come with the chart, before the operator; watching all of a cluster's costs megabytes.
    configured.scanning.disabled = True
    configured.watching.server_timeout = SERVER_TIMEOUT
    configured.watching.connect_timeout = CONNECT_TIMEOUT
    configured.watching.inactivity_timeout = INACTIVITY_TIMEOUT
    configured.watching.chunk_size = LISTING_PAGE
    configured.networking.request_timeout = REQUEST_TIMEOUT
    configured.networking.connect_timeout = CONNECT_TIMEOUT
    configured.process.ultimate_exiting_timeout = None
    for kind in CHILDREN:
        configured.watching.label_selectors[_at(kind)] = f"{LABEL_MANAGED_BY}={MANAGER}"
    return configured


async def watch(connection: Connection, feed: Feed, take_signals: Callable[[], None]) -> None:
    """Watch all kinds until cancelled. Raises what ended a watch for good.

    kopf takes SIGTERM and SIGINT for itself when it starts; `take_signals` is called after that.
    """
    registry = routing_table(feed)

    # Once: the session renews its own credentials. When kopf logs in again, it closes the session
    # under the feet of all other watches, and ends.
    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        session = connection.session(response_class(feed))
        return kopf.AiohttpSession(server=connection.server, aiohttp_session=session)

    tasks = await kopf.spawn_tasks(
        registry=registry, settings=settings(), clusterwide=True, standalone=True
    )
    take_signals()
    try:
        # Not `kopf.operator`: on its end that would also wait for all tasks that are not its own.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        raise RuntimeError(f"kopf ended: {', '.join(task.get_name() for task in done)}")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


class _NoDiffs(kopf.DiffBaseStorage):
    """Spares kopf the deep copies by which it detects changes, for handlers that we don't have."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
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
