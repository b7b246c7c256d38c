"""Creates, keeps and deletes the namespaces of Projects and Stages."""

from __future__ import annotations

from typing import Final

from setops.api import names
from setops.api.conditions import Reason
from setops.api.kinds import NAMESPACE, Key, Object, key_of
from setops.desired.namespace import is_ours
from setops.kube.errors import AlreadyExists
from setops.reconcile.context import Context
from setops.reconcile.deletion import delete_or_wait
from setops.reconcile.report import Stalled, Waiting
from setops.reconcile.stage_around import is_deleting, labels_of

POLL: Final = 2.0
"""Seconds between two looks at a namespace that is being deleted."""
FOREIGN_POLL: Final = 5.0
"""Seconds between two looks at a namespace that isn't ours, which isn't watched."""


def refuse_reserved(context: Context, namespace: str) -> None:
    """Raise Stalled for a namespace that is the cluster's or the operator's own."""
    if names.is_reserved_namespace(namespace) or namespace == context.options.operator_namespace:
        raise Stalled(
            Reason.NAMESPACE_RESERVED,
            f"namespace {namespace!r} is reserved; choose another name",
        )


async def ensure(context: Context, desired: Object) -> Object:
    """Create a namespace, or take over one that carries our labels already.

    Raises Stalled for a namespace that is somebody else's, and Waiting while it is being deleted.
    """
    cluster = context.cluster
    key = key_of(desired)
    labels = labels_of(desired)
    project, stage = labels[names.LABEL_PROJECT], labels.get(names.LABEL_STAGE, "")
    live = cluster.get(key)
    if live is not None and not is_ours(live, project, stage):
        # A namespace that isn't ours isn't watched, so the cache may be out of date.
        live = await cluster.fetch(key)
    if live is None:
        try:
            return await cluster.apply(desired)
        except AlreadyExists:
            live = await cluster.fetch(key)
    if live is not None and not is_ours(live, project, stage):
        raise Stalled(
            Reason.NAMESPACE_TAKEN,
            f"namespace {key.name!r} exists and isn't ours; remove it, or label it "
            f"{names.LABEL_PROJECT}={project}"
            + (f" and {names.LABEL_STAGE}={stage}" if stage else "")
            + " to hand it over, for which you need the verb adopt on stages.setops.co",
            again=FOREIGN_POLL,
        )
    if live is not None and is_deleting(live):
        raise Waiting(
            Reason.NAMESPACE_TERMINATING,
            f"namespace {key.name!r} is being deleted; it is created again afterwards: "
            f"{_remaining(live)}",
            again=POLL,
        )
    return await cluster.apply(desired, live)


async def remove(context: Context, name: str, project: str, stage: str = "") -> None:
    """Delete a namespace if it is ours; raises Waiting until it is gone."""
    cluster = context.cluster
    key = Key(NAMESPACE, "", name)
    live = cluster.get(key)
    if live is None or not is_ours(live, project, stage):
        return
    if not is_deleting(live):
        await delete_or_wait(cluster, live)
    live = cluster.get(key)
    if live is not None:
        raise Waiting(
            Reason.DELETING,
            f"waits for namespace {name!r} to go: {_remaining(live)}",
            again=POLL,
        )


def _remaining(namespace: Object) -> str:
    """What is left in a terminating namespace, as Kubernetes says."""
    conditions = (namespace.get("status") or {}).get("conditions") or ()
    said = [item["message"] for item in conditions if item.get("status") == "True"]
    return "; ".join(said) or "its contents are being deleted"
