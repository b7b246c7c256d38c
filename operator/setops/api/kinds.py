"""The kinds of objects that SetOps reads and writes, and how the API server addresses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

GROUP: Final = "setops.co"
VERSION: Final = "v1alpha1"

Object = dict[str, Any]
"""A Kubernetes object as JSON."""


# Compared by identity, which is fast: there is one of each, and every look-up key contains one.
@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of resource: its group and version, its names, and its scope."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`v1` for the core group, otherwise `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __deepcopy__(self, _: object) -> Kind:
        return self

    def path(self, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """The URL path of one object or, without a name, of the collection."""
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part]
        return "/".join(parts)

    def __str__(self) -> str:
        return self.kind


class Key(NamedTuple):
    """Identifies one object in the cluster. `namespace` is empty for cluster-scoped kinds."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.kind} {where}{self.name}"


def _ours(kind: str, plural: str, *, namespaced: bool = True) -> Kind:
    return Kind(GROUP, VERSION, kind, plural, namespaced)


ORGANIZATION: Final = _ours("Organization", "organizations", namespaced=False)
PROJECT: Final = _ours("Project", "projects", namespaced=False)
STAGE: Final = _ours("Stage", "stages")
APP: Final = _ours("App", "apps")
SERVICE: Final = _ours("Service", "services")
NOTIFICATION: Final = _ours("Notification", "notifications")
CHANGESET: Final = _ours("Changeset", "changesets")

OURS: Final = (ORGANIZATION, PROJECT, STAGE, APP, SERVICE, NOTIFICATION, CHANGESET)
"""The kinds of our own group, which users write."""

NAMESPACE: Final = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
CORE_SERVICE: Final = Kind("", "v1", "Service", "services")
SECRET: Final = Kind("", "v1", "Secret", "secrets")
SERVICE_ACCOUNT: Final = Kind("", "v1", "ServiceAccount", "serviceaccounts")
RESOURCE_QUOTA: Final = Kind("", "v1", "ResourceQuota", "resourcequotas")
POD: Final = Kind("", "v1", "Pod", "pods")
CONFIG_MAP: Final = Kind("", "v1", "ConfigMap", "configmaps")
EVENT: Final = Kind("", "v1", "Event", "events")
DEPLOYMENT: Final = Kind("apps", "v1", "Deployment", "deployments")
CONTROLLER_REVISION: Final = Kind("apps", "v1", "ControllerRevision", "controllerrevisions")
POD_DISRUPTION_BUDGET: Final = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
NETWORK_POLICY: Final = Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
LEASE: Final = Kind("coordination.k8s.io", "v1", "Lease", "leases")
CUSTOM_RESOURCE_DEFINITION: Final = Kind(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    namespaced=False,
)
SELF_SUBJECT_REVIEW: Final = Kind(
    "authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews", namespaced=False
)

FOREIGN: Final = (
    NAMESPACE,
    CORE_SERVICE,
    SECRET,
    SERVICE_ACCOUNT,
    RESOURCE_QUOTA,
    POD,
    CONFIG_MAP,
    EVENT,
    DEPLOYMENT,
    CONTROLLER_REVISION,
    POD_DISRUPTION_BUDGET,
    NETWORK_POLICY,
    LEASE,
    CUSTOM_RESOURCE_DEFINITION,
    SELF_SUBJECT_REVIEW,
)
"""The kinds of Kubernetes itself that we use."""

BY_NAME: Final = {(kind.api_version, kind.kind): kind for kind in (*OURS, *FOREIGN)}
"""Every kind by its `apiVersion` and `kind`."""


def kind_of(manifest: Object) -> Kind:
    """The kind of an object. Raises KeyError for a kind that we don't use."""
    return BY_NAME[manifest["apiVersion"], manifest["kind"]]


def key_of(manifest: Object) -> Key:
    """The key of an object that carries `apiVersion`, `kind` and `metadata`."""
    metadata = manifest["metadata"]
    return Key(kind_of(manifest), metadata.get("namespace", ""), metadata["name"])
