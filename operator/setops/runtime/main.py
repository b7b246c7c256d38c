"""The console script `setops-operator`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Final

from setops.api.kinds import LEASE, Key
from setops.fence import Fence, Tenure
from setops.kube.cache import Cache
from setops.kube.client import Client
from setops.kube.cluster import Cluster
from setops.kube.connection import connect
from setops.kube.lease import Lease
from setops.runtime import collection, health, leadership
from setops.runtime.lease_thread import LeaseThread, ThreadedLease
from setops.runtime.logging import configure
from setops.runtime.metrics import Metrics
from setops.runtime.settings import Settings, parse
from setops.runtime.work import Operator, Process

CLUSTER_LEASE: Final = Key(LEASE, "kube-system", "setops-installation")
"""The one Lease of all installations in a cluster. The namespace is one that every cluster has."""

_log = logging.getLogger(__name__)


def main() -> None:
    """Run the operator until a signal ends it.

    The exit code is 0 after SIGTERM or SIGINT, 1 if the Lease was lost or the work failed, and 2 if
    the settings are wrong or there is no way to reach a cluster.
    """
    settings = parse(sys.argv[1:])
    _need_no_home()
    collection.tune()
    configure(settings.log_level, settings.log_format)
    try:
        sys.exit(asyncio.run(run(settings)))
    except ValueError as error:
        _log.critical("%s", error)
        sys.exit(2)


def _need_no_home() -> None:
    """Name a home if there is none: the client library ends on import without one.

    A pod may run under any uid, so the system may know neither its name nor its home.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"  # as container runtimes do


async def run(settings: Settings) -> int:
    """Run the operator. Returns the exit code. Raises ValueError without a cluster."""
    stop = asyncio.Event()

    def take_signals() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)

    take_signals()
    own = Key(LEASE, settings.namespace, settings.lease_name)
    tenures = {key: Tenure(f"Lease {key.namespace}/{key.name}") for key in (own, CLUSTER_LEASE)}
    fence = Fence(*tenures.values())
    thread = LeaseThread(fence, settings.lease)
    connection = await connect(settings.kubeconfig or None, fence)
    try:
        metrics = Metrics()
        client = Client(connection, observer=metrics.observe_request)
        cluster = Cluster(client, Cache())
        process = Process(connection, cluster, metrics, fence, take_signals)
        async with thread.running(settings.kubeconfig or None) as lease_connection:
            by = Client(lease_connection, observer=metrics.observe_request)
            ours = _lease(by, own, settings.identity, tenures[own], settings)
            installation = f"{own.namespace}/{own.name}"
            whole = _lease(by, CLUSTER_LEASE, installation, tenures[CLUSTER_LEASE], settings)
            leases = leadership.Leases(ThreadedLease(thread, ours), ThreadedLease(thread, whole))
            return await _lead(settings, process, leases, stop)
    finally:
        await connection.close()


def _lease(client: Client, key: Key, identity: str, tenure: Tenure, settings: Settings) -> Lease:
    return Lease(
        client,
        key.namespace,
        key.name,
        identity=identity,
        durations=settings.lease,
        tenure=tenure,
    )


async def _lead(
    settings: Settings, process: Process, leases: leadership.Leases, stop: asyncio.Event
) -> int:
    """Serve probes and metrics, and lead when it is our turn; the exit code."""
    operator = Operator(settings, process)
    _expose(operator, process.cluster, process.metrics)
    server = health.Server(lambda: _state(operator, leases), process.metrics)
    try:
        await server.start(settings.listen, settings.health_port, settings.metrics_port)
        return await leadership.lead(leases, operator, stop)
    finally:
        await server.stop()


def _state(operator: Operator, leases: leadership.Leases) -> health.State:
    return health.State(
        leading=operator.leading,
        synced=operator.watches.synced.is_set(),
        silence=operator.watches.silence,
        stuck=operator.queue.stuck,
        longest_run=operator.queue.longest_run,
        other=leases.other,
    )


def _expose(operator: Operator, cluster: Cluster, metrics: Metrics) -> None:
    queue = operator.queue
    metrics.gauge("setops_queue_depth", "Keys that wait for a worker", lambda: queue.depth)
    metrics.gauge("setops_queue_delayed", "Keys that wait for their time", lambda: queue.delayed)
    metrics.gauge("setops_queue_running", "Keys that are being handled", lambda: queue.running)
    metrics.gauge(
        "setops_queue_oldest_seconds",
        "How long the key at the head of the queue has waited for a worker",
        lambda: queue.oldest_wait,
    )
    metrics.gauge(
        "setops_queue_stuck_seconds",
        "How long no worker took a key although some wait and their Stages may have more workers",
        lambda: queue.stuck,
    )
    metrics.labelled_gauge(
        "setops_aws_accounts",
        "AWS accounts: called, left alone since they don't answer or throttle, or tried again",
        "state",
        lambda: operator.aws.breakers,
    )
    metrics.gauge(
        "setops_watch_silence_seconds",
        "Time since any watch of a child kind received anything",
        lambda: operator.watches.silence,
    )
    metrics.gauge(
        "setops_events_dropped", "Events that were not written", lambda: operator.events.dropped
    )
    metrics.gauges("setops_cache_objects", "Objects in the cache", cluster.cache.counts)


if __name__ == "__main__":
    main()
