"""Deletes other objects on behalf of an owner that is being deleted, and says what it waits for."""

from __future__ import annotations

from setops.api.conditions import ConditionType, Reason, find
from setops.api.kinds import Object, key_of
from setops.kube.cluster import Cluster
from setops.kube.errors import ApiError, Forbidden
from setops.reconcile.report import Waiting


async def delete_or_wait(cluster: Cluster, obj: Object) -> None:
    """Delete an object; raises Waiting with the reason when admission refuses it."""
    key = key_of(obj)
    try:
        await cluster.delete(key, uid=obj["metadata"]["uid"])
    except Forbidden as error:
        message = f"{key} can't be deleted: {error.message}"
        raise Waiting(Reason.DELETING, message, again=30) from error
    except ApiError as error:
        if error.transient:
            raise Waiting(Reason.DELETING, f"{key}: {error.message}", again=1) from error
        raise


def blocker(obj: Object) -> str:
    """The name of an object that isn't gone yet, with the message of its Ready condition."""
    ready = find(obj.get("status"), ConditionType.READY)
    message = str(ready["message"]) if ready else ""
    return f"{obj['kind']} {obj['metadata']['name']!r}" + (f" ({message})" if message else "")
