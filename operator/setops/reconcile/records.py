"""Reads and writes the records of a Stage; `desired/record` says what they are.

An object that has a record's name and is none is never read, changed or deleted. The next number is
taken instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from setops.api import names
from setops.api.conditions import Reason
from setops.api.kinds import CONTROLLER_REVISION, NAMESPACE, Key, Object
from setops.desired.record import RecordName, is_record, record
from setops.kube.cluster import Cluster
from setops.kube.errors import AlreadyExists, NotFound
from setops.reconcile.context import Context

_SORTS = (names.revision_name, names.ledger_name)


def space_of(stage: Object) -> str:
    """The namespace of a Stage, by its name."""
    metadata = stage["metadata"]
    return names.namespace_beside(metadata["namespace"], metadata["name"])


def kept(cluster: Cluster, stage: Object, name_of: RecordName) -> list[Object]:
    """The Stage's records of one sort as the cache has them (without data), oldest first."""
    name = stage["metadata"]["name"]
    found = cluster.list(CONTROLLER_REVISION, space_of(stage))
    own = [item for item in found if is_record(item, name, name_of)]
    return sorted(own, key=lambda item: int(item["revision"]))


async def write(cluster: Cluster, wanted: Object) -> Object | None:
    """Create a record; None if its name is taken, by another record or by something else."""
    if cluster.get(_key(wanted)) is not None:
        return None
    try:
        # By apply, since a plain create keeps the bytes of `data` as they are sent. Then every
        # later patch of the metadata, by the garbage collector for one, would be refused.
        return await cluster.apply(wanted)
    except AlreadyExists:
        return None


def make(
    cluster: Cluster,
    stage: Object,
    name_of: RecordName,
    number: int,
    data: object,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
) -> Object:
    """A record as it is to be written. Raises NotFound if the Stage's namespace is gone."""
    name, key = stage["metadata"]["name"], Key(NAMESPACE, "", space_of(stage))
    namespace = cluster.get(key)
    if namespace is None:
        raise NotFound("the Stage's namespace is gone", target=key)
    return record(
        name,
        namespace,
        name_of(name, number),
        number,
        labels=dict(labels),
        annotations=dict(annotations),
        data=data,
    )


async def delete(cluster: Cluster, found: Sequence[Object]) -> None:
    """Delete records, if they are still these."""
    for item in found:
        await cluster.delete(_key(item), uid=item["metadata"]["uid"])


def tell_of_others(context: Context, stage: Object) -> None:
    """Tell on the Stage of objects in its namespace that look like its records and are none."""
    name = stage["metadata"]["name"]
    for item in context.cluster.list(CONTROLLER_REVISION, space_of(stage)):
        if not any(is_record(item, name, sort) for sort in _SORTS):
            tell_ignored(context, stage, _key(item), "the operator hasn't made it")


def tell_ignored(context: Context, stage: Object, key: Key, why: str) -> None:
    """Tell on the Stage that an object is passed over."""
    message = f"{key.kind} {key.name!r} in namespace {key.namespace!r} is ignored: {why}"
    context.events.record(stage, "Warning", Reason.RECORD_IGNORED.value, message)


def _key(obj: Object) -> Key:
    metadata = obj["metadata"]
    return Key(CONTROLLER_REVISION, metadata["namespace"], metadata["name"])
