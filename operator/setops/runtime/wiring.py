"""Which reconciler handles which kind, and which keys a change marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from setops.api.kinds import Key
from setops.aws.clients import Clients, ClientSettings
from setops.aws.gateway import Gateway
from setops.aws.products import PRODUCTS
from setops.kube.cache import Change
from setops.kube.cluster import Cluster
from setops.kube.events import EventRecorder
from setops.reconcile.context import Context, Options
from setops.reconcile.driver import reconcile
from setops.reconcile.routes import routes
from setops.runtime.attempt import Handle
from setops.runtime.metrics import Metrics
from setops.runtime.settings import Settings

Routes = Callable[[Change], Iterable[Key]]
"""The keys to reconcile after a change."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What reconcilers are built from."""

    settings: Settings
    cluster: Cluster
    events: EventRecorder
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Reconcilers:
    """How a key is handled, and which keys a change marks."""

    handle: Handle
    routes: Routes


def build(parts: Parts) -> Reconcilers:
    """The reconcilers of all kinds."""
    settings = parts.settings
    clients = Clients(
        PRODUCTS.uses, ClientSettings(threads=settings.aws_threads), parts.metrics.observe_aws
    )
    context = Context(
        cluster=parts.cluster,
        events=parts.events,
        aws=Gateway(clients, PRODUCTS),
        options=Options(
            namespace_prefix=settings.namespace_prefix,
            operator_namespace=settings.namespace,
            ingress_namespace_labels=settings.ingress_namespace_labels,
            drift_interval=settings.drift_interval,
            git_managers=frozenset(settings.git_managers),
        ),
    )

    async def handle(key: Key) -> float | None:
        return await reconcile(context, key)

    return Reconcilers(handle, lambda change: routes(parts.cluster, change))
