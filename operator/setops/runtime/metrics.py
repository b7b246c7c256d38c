"""The operator's metrics, in a registry of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from setops.api.kinds import Kind
from setops.kube.client import Verb

# Otherwise each counter has a second series, which nobody needs.
disable_created_metrics()  # type: ignore[no-untyped-call]

Outcome = Literal["done", "requeued", "conflict", "failed"]

_READS: Final = frozenset({"get", "list"})
_SECONDS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
)


class Metrics:
    """The metrics of one operator process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reconcile_seconds = self._histogram(
            "setops_reconcile_seconds",
            "Time that one reconciliation took",
            "kind",
        )
        self.reconciles = self._counter(
            "setops_reconciles", "Reconciliations by how they ended", "kind", "outcome"
        )
        self.api_writes = self._counter(
            "setops_api_writes", "Writes to the API server, without dry runs", "kind", "verb"
        )
        self.api_requests = self._counter(
            "setops_api_requests", "All requests to the API server but for watches", "kind", "verb"
        )
        self.api_errors = self._counter(
            "setops_api_errors",
            "Answers of the API server that are errors; code 0 for no answer",
            "code",
        )
        self.aws_calls = self._counter(
            "setops_aws_calls", "Calls to AWS", "product", "operation", "outcome"
        )
        self.plan_seconds = self._histogram(
            "setops_plan_seconds",
            "Time that making one plan took: at once, in a process of its own, or until refused",
            "way",
        )
        self.queue_wait = self._histogram(
            "setops_queue_wait_seconds",
            "Time that a key has waited for a worker",
            "kind",
        )
        self.loop_lag = self._histogram(
            "setops_event_loop_lag_seconds",
            "How late the event loop was, looked at once a second",
        )
        self.leader = Gauge("setops_leader", "1 while leading", registry=self.registry)
        self.synced = Gauge(
            "setops_synced", "1 when all objects are in the cache", registry=self.registry
        )
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=_SECONDS, registry=self.registry)

    def observe_request(self, verb: Verb, kind: Kind, status: int, dry_run: bool) -> None:
        """Count a request to the API server; see `kube.client.Observer`."""
        self.api_requests.labels(kind.kind, verb).inc()
        if verb not in _READS and not dry_run and 0 < status < 400:
            self.api_writes.labels(kind.kind, verb).inc()
        if status == 0 or status >= 400:
            self.api_errors.labels(str(status)).inc()

    def observe_aws(self, product: str, operation: str, outcome: str) -> None:
        """Count a call to AWS; `outcome` is `ok` or the error's code."""
        self.aws_calls.labels(product, operation, outcome).inc()

    def observe_reconcile(self, kind: Kind, outcome: Outcome, seconds: float) -> None:
        """Count a reconciliation that has ended."""
        self.reconciles.labels(kind.kind, outcome).inc()
        self.reconcile_seconds.labels(kind.kind).observe(seconds)

    def observe_wait(self, kind: Kind, seconds: float) -> None:
        """Count a key that has got its worker."""
        self.queue_wait.labels(kind.kind).observe(seconds)

    def observe_plan(self, way: str, seconds: float) -> None:
        """Count a plan: made `inline`, in a `process`, or `refused` since it took too much."""
        self.plan_seconds.labels(way).observe(seconds)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Add a value that is read at each request for the metrics."""
        Gauge(name, text, registry=self.registry).set_function(read)

    def labelled_gauge(
        self, name: str, text: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        """Add values by a label that are read at each request for the metrics."""
        self.registry.register(_ByLabel(name, text, label, read))

    def gauges(self, name: str, text: str, read: Callable[[], Mapping[Kind, int]]) -> None:
        """Add values by kind that are read at each request for the metrics."""
        self.registry.register(_ByKind(name, text, read))

    def render(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self.registry)


class _ByLabel(Collector):
    def __init__(
        self, name: str, text: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        self._name = name
        self._text = text
        self._label = label
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._text, labels=[self._label])
        for value, number in self._read().items():
            family.add_metric([value], number)
        yield family


class _ByKind(Collector):
    def __init__(self, name: str, text: str, read: Callable[[], Mapping[Kind, int]]) -> None:
        self._name = name
        self._text = text
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._text, labels=["group", "kind"])
        for kind, value in self._read().items():
            family.add_metric([kind.group, kind.kind], value)
        yield family
