"""Gives the reconcilers what they need."""

from __future__ import annotations

from dataclasses import dataclass

from setops.api.kinds import Key
from setops.aws.clients import Clients, ClientSettings
from setops.aws.gateway import Gateway
from setops.aws.products import PRODUCTS
from setops.fence import Fence
from setops.kube.cluster import Cluster
from setops.kube.events import EventRecorder
from setops.reconcile.context import Context, Options
from setops.reconcile.driver import reconcile
from setops.runtime.attempt import Handle
from setops.runtime.metrics import Metrics
from setops.runtime.planner import ProcessPlanner
from setops.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What reconcilers are built from."""

    settings: Settings
    cluster: Cluster
    events: EventRecorder
    metrics: Metrics
    aws: Gateway
    planner: ProcessPlanner


def gateway(settings: Settings, metrics: Metrics, fence: Fence) -> Gateway:
    """The way to AWS."""
    calls = ClientSettings(per_account=settings.aws_threads)
    clients = Clients(PRODUCTS.uses, calls, metrics.observe_aws, fence=fence)
    return Gateway(clients, PRODUCTS, cluster=settings.cluster_name)


def reconciler(parts: Parts) -> Handle:
    """Reconciles the object of a key, whatever its kind."""
    settings = parts.settings
    context = Context(
        cluster=parts.cluster,
        events=parts.events,
        aws=parts.aws,
        options=Options(
            namespace_prefix=settings.namespace_prefix,
            operator_namespace=settings.namespace,
            ingress_namespace_labels=settings.ingress_namespace_labels,
            drift_interval=settings.drift_interval,
            git_managers=frozenset(settings.git_managers),
            changesets_kept=settings.changesets_kept,
            changeset_days=settings.changeset_days,
        ),
        planner=parts.planner,
    )

    async def handle(key: Key) -> float | None:
        return await reconcile(context, key)

    return handle
