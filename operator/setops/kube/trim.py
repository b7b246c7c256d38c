"""What the cache keeps of an object: only what reconcilers read. Pure.

Each function returns a copy without the rest. `watched` says which function each kind uses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from setops.api.changeset import phase_of
from setops.api.kinds import Object
from setops.api.names import ANNOTATION_LAST_APPLIED, MANAGER
from setops.changes.weight import stored_size

HASHED: Final = "sha256:"
"""Prefix of the hash that replaces a Secret's value in a trimmed object."""

LEFT_OUT: Final = "leftOut"
"""In a trimmed Changeset that lacks its content."""
MOST_OF_A_SPEC: Final = 16_384
"""Bytes of a Changeset's spec that are kept."""
_CONTENT: Final = frozenset({"commands", "definition"})
_RESULT: Final = frozenset({"plan", "errors"})

_DROPPED_METADATA: Final = frozenset({"managedFields", "selfLink"})
_POD_METADATA: Final = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "labels",
    "ownerReferences",
)
_POD_STATUS: Final = ("phase", "reason", "message", "startTime")
_POD_CONDITIONS: Final = frozenset({"Ready", "PodScheduled"})
_DEPLOYMENT_STATUS: Final = (
    "observedGeneration",
    "replicas",
    "readyReplicas",
    "updatedReplicas",
    "availableReplicas",
)
_DEPLOYMENT_CONDITIONS: Final = frozenset({"Progressing", "ReplicaFailure"})
_REVISION: Final = "deployment.kubernetes.io/revision"


def users_object(obj: Object) -> Object:
    """Without the bookkeeping of the API server."""
    return _with_metadata(obj, _metadata(obj))


def edited_object(obj: Object) -> Object:
    """As `users_object`, but with the managers of the spec's fields other than the operator.

    Changesets compare them with what they are about to write. The operator scales nothing itself,
    so whoever has its name at the scale subresource is somebody else.
    """
    metadata = _metadata(obj)
    editors = [
        entry
        for entry in obj["metadata"].get("managedFields") or ()
        if entry.get("subresource") == "scale"
        or (entry.get("manager") != MANAGER and entry.get("subresource") != "status")
    ]
    if editors:
        metadata["managedFields"] = editors
    return _with_metadata(obj, metadata)


def changeset(obj: Object) -> Object:
    """As `users_object`, without what is large: it is read at the API server when it is needed.

    That is what a Changeset asks for, if it takes more than a little, and of one that has ended
    also its plan and its errors. `spec_size` still tells the size of the whole spec.
    """
    kept = users_object(obj)
    spec = obj.get("spec") or {}
    size, ended = stored_size(spec), phase_of(obj).finished
    if size <= MOST_OF_A_SPEC and not ended:
        return kept
    kept["spec"] = {name: v for name, v in spec.items() if name not in _CONTENT}
    kept[LEFT_OUT] = {"specSize": size}
    if ended:
        kept["status"] = {name: v for name, v in obj["status"].items() if name not in _RESULT}
    return kept


def spec_size(changeset: Object) -> int:
    """Bytes that a Changeset's spec takes where it is stored, trimmed or not."""
    left_out = changeset.get(LEFT_OUT)
    return int(left_out["specSize"]) if left_out else stored_size(changeset["spec"])


def child(obj: Object) -> Object:
    """Without the bookkeeping of the API server and of kubectl."""
    return _with_metadata(obj, _without_annotation(_metadata(obj), ANNOTATION_LAST_APPLIED))


def child_without_status(obj: Object) -> Object:
    """As `child`, and without the status."""
    return _without(child(obj), "status")


def child_without_data(obj: Object) -> Object:
    """As `child`, and without the data, which is large and read at the API server when needed."""
    return _without(child(obj), "data")


def secret(obj: Object) -> Object:
    """As `child`, with a hash in place of each value."""
    kept = child(obj)
    if not kept.get("data"):
        return kept
    return {**kept, "data": {key: hash_of(value) for key, value in kept["data"].items()}}


def hash_of(value: str | None) -> str:
    """The hash of a Secret's value (in base64). A value that is a hash already stays as it is."""
    value = value or ""
    if value.startswith(HASHED):  # no base64 contains a colon
        return value
    return HASHED + hashlib.sha256(value.encode()).hexdigest()


def deployment(obj: Object) -> Object:
    """As `child`, with only those parts of the status that show the progress of a rollout.

    Conditions lose their times. Otherwise every new pod of a rollout would count as a change.
    """
    kept = child(obj)
    kept["metadata"] = _without_annotation(kept["metadata"], _REVISION)
    status = obj.get("status") or {}
    if status:
        kept["status"] = {name: status[name] for name in _DEPLOYMENT_STATUS if name in status}
        kept["status"]["conditions"] = [
            {name: item[name] for name in ("type", "status", "reason", "message") if name in item}
            for item in status.get("conditions") or ()
            if item["type"] in _DEPLOYMENT_CONDITIONS
        ]
    return kept


def pod(obj: Object) -> Object:
    """The pod's identity and the state of its containers, without its spec.

    The conditions that decide whether it is ready are kept: `Ready`, `PodScheduled` and those that
    its readiness gates name, which a load balancer sets.
    """
    status = obj.get("status") or {}
    kept = {name: status[name] for name in _POD_STATUS if name in status}
    gates = (obj.get("spec") or {}).get("readinessGates") or ()
    wanted = _POD_CONDITIONS.union(gate["conditionType"] for gate in gates)
    conditions = [c for c in status.get("conditions") or () if c.get("type") in wanted]
    if conditions:
        kept["conditions"] = conditions
    for name in ("initContainerStatuses", "containerStatuses"):
        if status.get(name):
            kept[name] = [_container(container) for container in status[name]]
    metadata = {name: obj["metadata"][name] for name in _POD_METADATA if name in obj["metadata"]}
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "metadata": metadata,
        "status": kept,
    }


def _container(status: Mapping[str, Any]) -> Object:
    state = {
        name: {k: v for k, v in detail.items() if k in ("reason", "message", "exitCode")}
        for name, detail in (status.get("state") or {}).items()
    }
    kept = {
        "name": status.get("name"),
        "ready": status.get("ready", False),
        "restartCount": status.get("restartCount", 0),
        "state": state,
    }
    ended = (status.get("lastState") or {}).get("terminated") or {}
    if ended:
        how = {k: v for k, v in ended.items() if k in ("exitCode", "reason")}
        kept["lastState"] = {"terminated": how}
    return kept


def _metadata(obj: Object) -> Object:
    return {k: v for k, v in obj["metadata"].items() if k not in _DROPPED_METADATA}


def _with_metadata(obj: Object, metadata: Object) -> Object:
    return {**obj, "metadata": metadata}


def _without(obj: Object, field: str) -> Object:
    return {name: value for name, value in obj.items() if name != field}


def _without_annotation(metadata: Object, annotation: str) -> Object:
    annotations = metadata.get("annotations") or {}
    if annotation not in annotations:
        return metadata
    return {**metadata, "annotations": _without(annotations, annotation)}
