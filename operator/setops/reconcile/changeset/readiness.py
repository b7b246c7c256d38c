"""Whether a changed resource does what its new spec says, by its own conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from setops.api.conditions import ConditionType, find, is_true
from setops.changes.diff import Change
from setops.kube.cluster import Cluster
from setops.reconcile.changeset.entries import is_done, key_of_change


def is_ready(cluster: Cluster, namespace: str, change: Change) -> bool:
    """Whether the changed resource does what its new spec says. A deletion needs no waiting."""
    if change.after is None:
        return is_done(cluster, namespace, change)
    live = cluster.get(key_of_change(namespace, change))
    return live is not None and is_true(
        live.get("status"), ConditionType.READY, live["metadata"].get("generation", 1)
    )


def ready_since(cluster: Cluster, namespace: str, change: Change) -> str | None:
    """Since when the changed resource has been ready, RFC 3339; None when it isn't."""
    if not is_ready(cluster, namespace, change):
        return None
    live = cluster.get(key_of_change(namespace, change)) or {}
    ready = find(live.get("status"), ConditionType.READY)
    return str(ready["lastTransitionTime"]) if ready else None


def is_stalled(cluster: Cluster, namespace: str, change: Change) -> bool:
    """Whether the changed resource can't become ready until somebody acts."""
    live = cluster.get(key_of_change(namespace, change))
    return live is not None and is_true(
        live.get("status"), ConditionType.STALLED, live["metadata"].get("generation", 1)
    )


def message_of(cluster: Cluster, namespace: str, change: Change) -> str:
    """What the changed resource says about itself."""
    live = cluster.get(key_of_change(namespace, change))
    if live is None:
        return "isn't there yet"
    status: Mapping[str, Any] = live.get("status") or {}
    ready = find(status, ConditionType.READY)
    return "hasn't been looked at yet" if ready is None else str(ready["message"])
