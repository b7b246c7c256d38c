"""What the cache keeps of an object: only what reconcilers read. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from setops.api.kinds import (
    APP,
    CONFIG_MAP,
    CONTROLLER_REVISION,
    DEPLOYMENT,
    NETWORK_POLICY,
    NOTIFICATION,
    OURS,
    POD,
    POD_DISRUPTION_BUDGET,
    SECRET,
    SERVICE,
    Kind,
    Object,
)
from setops.api.names import MANAGER

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
HASHED: Final = "sha256:"
"""Prefix of what stands for a value of a Secret in a trimmed object."""

_WITH_EDITORS: Final = frozenset({APP, SERVICE, NOTIFICATION})
_WITHOUT_STATUS: Final = (POD_DISRUPTION_BUDGET, NETWORK_POLICY)
_DROPPED_METADATA: Final = frozenset({"managedFields", "selfLink", "generateName"})
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
_POD_CONDITIONS: Final = ("Ready", "PodScheduled")
_DEPLOYMENT_STATUS: Final = (
    "observedGeneration",
    "replicas",
    "readyReplicas",
    "updatedReplicas",
    "availableReplicas",
)
_DEPLOYMENT_CONDITIONS: Final = ("Progressing", "ReplicaFailure")
_REVISION: Final = "deployment.kubernetes.io/revision"
_POD_STATUS: Final = ("phase", "reason", "message", "startTime")


def trim(kind: Kind, obj: Object) -> Object:
    """A copy of `obj` without what no reconciler reads.

    Secrets keep their keys, with a hash in the place of each value; Pods keep little more than
    who they are and how their containers do, Deployments of their status how far they are;
    ControllerRevisions and ConfigMaps lose their data; disruption budgets and network policies
    lose their status. Who edited a spec beside us is kept of what Changesets change.
    """
    metadata = {k: v for k, v in obj["metadata"].items() if k not in _DROPPED_METADATA}
    editors = _editors(obj) if kind in _WITH_EDITORS else ()
    if editors:
        metadata["managedFields"] = editors
    if kind not in OURS and LAST_APPLIED in (metadata.get("annotations") or ()):
        annotations = metadata["annotations"]
        metadata["annotations"] = {k: v for k, v in annotations.items() if k != LAST_APPLIED}
    kept: Object = {**obj, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
    if kind == POD:
        kept = _pod(kept)
    elif kind == DEPLOYMENT:
        kept = _deployment(kept)
    elif kind == SECRET:
        kept = hashed(kept)
    elif kind in (CONTROLLER_REVISION, CONFIG_MAP):
        kept.pop("data", None)
    elif kind in _WITHOUT_STATUS:
        kept.pop("status", None)
    return kept


def _editors(obj: Object) -> list[Object]:
    """The managers of the spec's fields other than the operator itself."""
    return [
        entry
        for entry in obj["metadata"].get("managedFields") or ()
        if entry.get("manager") != MANAGER and entry.get("subresource") != "status"
    ]


def hashed(secret: Object) -> Object:
    """A Secret of which every value in `data` is replaced by its hash."""
    if not secret.get("data"):
        return secret
    return {**secret, "data": {key: hash_of(value) for key, value in secret["data"].items()}}


def hash_of(value: str) -> str:
    """What stands for a Secret's value (as base64), or the value itself when it is a hash."""
    if value.startswith(HASHED):  # no base64 contains a colon
        return value
    return HASHED + hashlib.sha256(value.encode()).hexdigest()


def _deployment(deployment: Object) -> Object:
    """Without the times of its conditions: a rollout would be a change with every pod of it."""
    metadata = dict(deployment["metadata"])
    if _REVISION in (metadata.get("annotations") or ()):
        annotations = metadata["annotations"]
        metadata["annotations"] = {k: v for k, v in annotations.items() if k != _REVISION}
    kept = {**deployment, "metadata": metadata}
    status = deployment.get("status") or {}
    if status:
        kept["status"] = {name: status[name] for name in _DEPLOYMENT_STATUS if name in status}
        kept["status"]["conditions"] = [
            {name: item[name] for name in ("type", "status", "reason", "message") if name in item}
            for item in status.get("conditions") or ()
            if item["type"] in _DEPLOYMENT_CONDITIONS
        ]
    return kept


def _pod(pod: Object) -> Object:
    status = pod.get("status") or {}
    kept = {name: status[name] for name in _POD_STATUS if name in status}
    ready = [
        c for c in status.get("conditions") or () if c.get("type") in ("Ready", "PodScheduled")
    ]
    if ready:
        kept["conditions"] = ready
    for name in ("initContainerStatuses", "containerStatuses"):
        if status.get(name):
            kept[name] = [_container(container) for container in status[name]]
    metadata = {name: pod["metadata"][name] for name in _POD_METADATA if name in pod["metadata"]}
    return {**{k: pod[k] for k in ("apiVersion", "kind")}, "metadata": metadata, "status": kept}


def _container(status: Mapping[str, Any]) -> Object:
    state = {
        name: {k: v for k, v in detail.items() if k in ("reason", "message", "exitCode")}
        for name, detail in (status.get("state") or {}).items()
    }
    return {
        "name": status.get("name"),
        "ready": status.get("ready", False),
        "restartCount": status.get("restartCount", 0),
        "state": state,
    }
