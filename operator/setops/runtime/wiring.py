"""Which reconciler handles which kind, and which keys a change marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from setops.api.kinds import OURS, Key
from setops.kube.cache import Change
from setops.kube.cluster import Cluster
from setops.kube.events import EventRecorder
from setops.runtime.attempt import Handle
from setops.runtime.settings import Settings

Routes = Callable[[Change], Iterable[Key]]
"""The keys to reconcile after a change."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What reconcilers are built from. `mark` asks for a key to be reconciled."""

    settings: Settings
    cluster: Cluster
    events: EventRecorder
    mark: Callable[[Key], None]


@dataclass(frozen=True, slots=True)
class Reconcilers:
    """How a key is handled, and which keys a change marks."""

    handle: Handle
    routes: Routes


def build(parts: Parts) -> Reconcilers:  # noqa: ARG001
    """The reconcilers of all kinds."""

    async def handle(key: Key) -> float | None:  # noqa: ARG001
        return None

    def routes(change: Change) -> Iterable[Key]:
        if change.key.kind in OURS:
            yield change.key

    return Reconcilers(handle, routes)
