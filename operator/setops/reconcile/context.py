"""What every reconciler is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from setops.aws.gateway import Gateway
from setops.kube.cluster import Cluster
from setops.kube.events import EventRecorder
from setops.reconcile.memory import Memory
from setops.reconcile.planner import InlinePlanner, Planner


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the installation that reconcilers need; `drift_interval` in seconds.

    `git_managers` are the field managers that write on behalf of Git. Of the Changesets of a Stage
    that have ended the last `changesets_kept` are kept, for `changeset_days` days.
    """

    namespace_prefix: str
    operator_namespace: str
    ingress_namespace_labels: Mapping[str, str]
    drift_interval: float
    git_managers: frozenset[str] = frozenset()
    changesets_kept: int = 50
    changeset_days: float = 30.0


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Context:
    """The ports to the outside world. `now` is the reconcilers' clock."""

    cluster: Cluster
    events: EventRecorder
    aws: Gateway
    options: Options
    now: Callable[[], datetime] = utc_now
    memory: Memory = field(default_factory=Memory)
    planner: Planner = field(default_factory=InlinePlanner)

    def timestamp(self) -> str:
        """The time as Kubernetes writes it: RFC 3339 in UTC, to the second."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")
