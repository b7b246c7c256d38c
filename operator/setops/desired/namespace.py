"""The namespaces of Projects and Stages, and whether one is ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from setops.api import names
from setops.api.kinds import NAMESPACE, Object
from setops.api.stage import StageSpec

PodSecurity = Literal["baseline", "restricted"]

_POD_SECURITY: Final = "pod-security.kubernetes.io"


def project_namespace(name: str, project: str, organization: str) -> Object:
    """The namespace that holds a Project's Stages; no pod runs in it."""
    return _namespace(
        name,
        {
            names.LABEL_ORGANIZATION: organization,
            names.LABEL_PROJECT: project,
            **_pod_security("restricted"),
        },
    )


def stage_namespace(
    name: str, project: str, stage: str, organization: str, spec: StageSpec
) -> Object:
    """The namespace that isolates a Stage, with its Pod Security Standard enforced."""
    labels = {
        names.LABEL_ORGANIZATION: organization,
        names.LABEL_PROJECT: project,
        names.LABEL_STAGE: stage,
        **_pod_security(spec.pod_security),
    }
    if spec.deletion_protection:
        labels[names.LABEL_DELETION_PROTECTION] = "true"
    return _namespace(name, labels)


def is_ours(namespace: Mapping[str, object], project: str, stage: str = "") -> bool:
    """Whether a live namespace belongs to this Project or Stage, judged by its labels."""
    metadata = namespace["metadata"]
    labels = (metadata.get("labels") or {}) if isinstance(metadata, dict) else {}
    return bool(
        labels.get(names.LABEL_PROJECT) == project and labels.get(names.LABEL_STAGE, "") == stage
    )


def _namespace(name: str, labels: Mapping[str, str]) -> Object:
    return {
        "apiVersion": NAMESPACE.api_version,
        "kind": NAMESPACE.kind,
        "metadata": {
            "name": name,
            "labels": {names.LABEL_MANAGED_BY: names.MANAGER, **labels},
        },
    }


def _pod_security(level: PodSecurity) -> dict[str, str]:
    return {f"{_POD_SECURITY}/{mode}": level for mode in ("enforce", "audit", "warn")}
