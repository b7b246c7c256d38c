"""How long a commit waits for each resource.

When that time is over, `observation` makes the message and `machine` chooses the step Revert:
`steps/revert` puts everything back, and the Changeset ends as Failed. The time also bounds the wait
for an earlier resource of the same name that is still being deleted.

The Deployment of an App has the same limit for its progress, `ROLLOUT_SECONDS` of
`api/deadlines`, so without a commit a rollout counts as failed after the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from setops.api.app import AppSpec
from setops.api.catalogue import TYPES
from setops.api.deadlines import ROLLOUT_SECONDS
from setops.api.section import SERVICES
from setops.api.service import ServiceSpec
from setops.changes.diff import Change
from setops.kube.cluster import Cluster
from setops.reconcile.changeset.entries import key_of_change
from setops.reconcile.changeset.readiness import ready_since


@dataclass(frozen=True, slots=True)
class CommitClock:
    """When the commit began (RFC 3339), what time it is now, the user's limit in seconds, and
    everything that the commit changes."""

    started: str
    now: datetime
    timeout: int | None
    changes: Sequence[Change]


def is_overdue(cluster: Cluster, namespace: str, clock: CommitClock, change: Change) -> bool:
    """Whether a resource has used up its time.

    If the user has set a limit, it counts for every resource, from the start of the commit.
    Otherwise a Service has as long as its product may take. The time of an App begins once it
    exists, and once the Services that it links, and that the same commit changes, are ready.
    """
    if clock.timeout is not None:
        return _elapsed(clock, clock.started) > clock.timeout
    if isinstance(change.after, ServiceSpec):
        deadlines = TYPES[change.after.type].deadlines
        limit = deadlines.create if change.before is None else deadlines.update
        return _elapsed(clock, clock.started) > limit
    since = [clock.started, *_created(cluster, namespace, change)]
    for service in _linked(clock, change):
        ready = ready_since(cluster, namespace, service)
        if ready is None:
            return False  # the Service's own deadline decides
        since.append(ready)
    return min(_elapsed(clock, moment) for moment in since) > ROLLOUT_SECONDS


def _created(cluster: Cluster, namespace: str, change: Change) -> list[str]:
    live = cluster.get(key_of_change(namespace, change))
    created = live and live["metadata"].get("creationTimestamp")
    return [created] if created else []


def _linked(clock: CommitClock, change: Change) -> list[Change]:
    links = (change.after.links or {}) if isinstance(change.after, AppSpec) else {}
    return [each for each in clock.changes if each.section is SERVICES and each.name in links]


def _elapsed(clock: CommitClock, since: str) -> float:
    return (clock.now - datetime.fromisoformat(since)).total_seconds()
