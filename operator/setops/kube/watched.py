"""The kinds that the operator watches, each declared once.

A row says who writes the objects, which decides how they are watched; what the cache keeps of them;
and which fields identify the items of their lists. `reconcile/triggers.py` says what a change of
each kind sets off. The chart's ClusterRole allows exactly these kinds to be watched. Tests compare
both with this table. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from setops.api.kinds import (
    APP,
    CHANGESET,
    CONTROLLER_REVISION,
    CORE_SERVICE,
    DEPLOYMENT,
    NAMESPACE,
    NETWORK_POLICY,
    NOTIFICATION,
    ORGANIZATION,
    POD,
    POD_DISRUPTION_BUDGET,
    PROJECT,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STAGE,
    Kind,
    Object,
)
from setops.api.names import LABEL_MANAGED_BY, MANAGER
from setops.kube import trim

MergeKeys = Mapping[str, tuple[str, ...]]
"""By the name of a list: the fields that together identify one of its items."""

MANAGED: Final = f"{LABEL_MANAGED_BY}={MANAGER}"
"""The label selector of the objects that the operator makes."""


class Writer(Enum):
    """Who writes the objects of a kind."""

    USERS = "users"
    """All of them are watched, by kopf, and go through `runtime/handlers.py`."""

    OPERATOR = "operator"
    """Only those with our `managed-by` label are watched, by an `Informer`."""


@dataclass(frozen=True, slots=True)
class WatchedKind:
    """What the operator needs to know of a kind to follow its objects."""

    kind: Kind
    writer: Writer
    trimmed: Callable[[Object], Object]
    """What the cache keeps of an object."""
    merge_keys: MergeKeys = field(default_factory=dict)


_POD_TEMPLATE: Final[MergeKeys] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "ports": ("containerPort", "protocol"),
}

_WATCHED: Final = (
    WatchedKind(ORGANIZATION, Writer.USERS, trim.users_object),
    WatchedKind(PROJECT, Writer.USERS, trim.users_object),
    WatchedKind(STAGE, Writer.USERS, trim.users_object),
    WatchedKind(APP, Writer.USERS, trim.edited_object),
    WatchedKind(SERVICE, Writer.USERS, trim.edited_object),
    WatchedKind(NOTIFICATION, Writer.USERS, trim.edited_object),
    WatchedKind(CHANGESET, Writer.USERS, trim.changeset),
    WatchedKind(NAMESPACE, Writer.OPERATOR, trim.child),
    WatchedKind(SERVICE_ACCOUNT, Writer.OPERATOR, trim.child),
    WatchedKind(DEPLOYMENT, Writer.OPERATOR, trim.deployment, _POD_TEMPLATE),
    WatchedKind(CORE_SERVICE, Writer.OPERATOR, trim.child, {"ports": ("port", "protocol")}),
    WatchedKind(POD_DISRUPTION_BUDGET, Writer.OPERATOR, trim.child_without_status),
    WatchedKind(NETWORK_POLICY, Writer.OPERATOR, trim.child_without_status),
    WatchedKind(RESOURCE_QUOTA, Writer.OPERATOR, trim.child_without_status),
    WatchedKind(SECRET, Writer.OPERATOR, trim.secret),
    WatchedKind(POD, Writer.OPERATOR, trim.pod),
    WatchedKind(CONTROLLER_REVISION, Writer.OPERATOR, trim.child_without_data),
)

WATCHED: Final[Mapping[Kind, WatchedKind]] = {row.kind: row for row in _WATCHED}

WRITTEN_BY_USERS: Final = tuple(row.kind for row in _WATCHED if row.writer is Writer.USERS)
MADE_BY_OPERATOR: Final = tuple(row.kind for row in _WATCHED if row.writer is Writer.OPERATOR)
