"""Makes the CustomResourceDefinitions from the models: `python -m setops.api.crds DIRECTORY…`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from setops.api import kinds, names
from setops.api.app import APP_SPEC_RULES, AppSpec
from setops.api.app_status import AppStatus
from setops.api.changeset import (
    CHANGESET_RULES,
    CHANGESET_SPEC_RULES,
    ChangesetSpec,
    ChangesetStatus,
)
from setops.api.definition import StageDefinition
from setops.api.kinds import GROUP, VERSION, Kind, Object
from setops.api.model import CEL, Model
from setops.api.names import NameRule
from setops.api.notification import (
    NOTIFICATION_SPEC_RULES,
    NotificationSpec,
    NotificationStatus,
)
from setops.api.organization import OrganizationSpec, OrganizationStatus
from setops.api.project import ProjectSpec, ProjectStatus
from setops.api.schema import Schema, partial, structural
from setops.api.service import ServiceSpec, ServiceStatus
from setops.api.stage import StageSpec, StageStatus


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`. With priority 1 it shows only with `-o wide`."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True)
class CrdSource:
    """What a CRD is made from, apart from the kind's names."""

    kind: Kind
    short: str
    description: str
    spec: type[Model]
    status: type[Model]
    columns: tuple[Column, ...]
    name_rule: NameRule | None = None
    spec_rules: dict[str, Any] | None = None
    root_rules: dict[str, Any] | None = None
    scale: tuple[str, str, str] | None = None
    selectable: tuple[str, ...] = ()
    required: tuple[str, ...] = ("spec",)


_READY: Final = Column("Ready", '.status.conditions[?(@.type=="Ready")].status')
_REASON: Final = Column("Reason", '.status.conditions[?(@.type=="Ready")].reason')
_MESSAGE: Final = Column("Message", '.status.conditions[?(@.type=="Ready")].message', priority=1)
_AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")

SOURCES: Final = (
    CrdSource(
        kinds.ORGANIZATION,
        "sorg",
        "An Organization: the topmost entity, bound to one AWS account; hosts Projects.",
        OrganizationSpec,
        OrganizationStatus,
        (
            Column("Account", ".spec.aws.accountId"),
            Column("Region", ".spec.aws.region"),
            Column("Projects", ".status.projects", "integer"),
            Column("Reachable", '.status.conditions[?(@.type=="Reachable")].status'),
            _READY,
            _REASON,
            _MESSAGE,
            _AGE,
        ),
        names.ORGANIZATION_NAME,
    ),
    CrdSource(
        kinds.PROJECT,
        "sproj",
        "A Project: the namespace of one application; Stages nest under it.",
        ProjectSpec,
        ProjectStatus,
        (
            Column("Organization", ".spec.organization"),
            Column("Namespace", ".status.namespace"),
            _READY,
            _REASON,
            _MESSAGE,
            _AGE,
        ),
        names.PROJECT_NAME,
    ),
    CrdSource(
        kinds.STAGE,
        "sstage",
        "A Stage: a self-contained environment of a Project, in a namespace of its own.",
        StageSpec,
        StageStatus,
        (
            Column("Namespace", ".status.namespace"),
            Column("Revision", ".status.revision", "integer"),
            Column("Apps", ".status.readyApps", "integer"),
            Column("Services", ".status.readyServices", "integer"),
            _READY,
            _REASON,
            Column("Changeset", ".status.currentChangeset.changeset", priority=1),
            _MESSAGE,
            _AGE,
        ),
        names.STAGE_NAME,
        required=(),
    ),
    CrdSource(
        kinds.APP,
        "sapp",
        "An App: one or more identical containers of the user's image.",
        AppSpec,
        AppStatus,
        (
            Column("Scale", ".spec.resources.scale", "integer"),
            Column("Running", ".status.readyReplicas", "integer"),
            Column("Release", ".status.release"),
            Column("Ready", _READY.path),
            _REASON,
            Column("URL", ".status.url"),
            _MESSAGE,
            _AGE,
        ),
        names.APP_NAME,
        spec_rules=APP_SPEC_RULES,
        scale=(".spec.resources.scale", ".status.replicas", ".status.selector"),
    ),
    CrdSource(
        kinds.SERVICE,
        "ssvc",
        "A Service: a backing component that Apps link, such as a bucket or a database.",
        ServiceSpec,
        ServiceStatus,
        (
            Column("Type", ".spec.type"),
            Column("Plan", ".spec.plan"),
            Column("State", ".status.state"),
            Column("Secret", ".status.secret"),
            _READY,
            _REASON,
            _MESSAGE,
            _AGE,
        ),
        names.SERVICE_NAME,
    ),
    CrdSource(
        kinds.NOTIFICATION,
        "snotify",
        "A Notification: a target that is notified of events on the Stage.",
        NotificationSpec,
        NotificationStatus,
        (
            Column("Type", ".spec.type"),
            Column("Target", ".spec.target"),
            Column("Confirmed", ".status.confirmed", "boolean"),
            _READY,
            _REASON,
            _MESSAGE,
            _AGE,
        ),
        names.NOTIFICATION_NAME,
        spec_rules=NOTIFICATION_SPEC_RULES,
    ),
    CrdSource(
        kinds.CHANGESET,
        "scs",
        "A Changeset: an ordered set of commands that change one Stage as a whole or not at all.",
        ChangesetSpec,
        ChangesetStatus,
        (
            Column("User", ".spec.user"),
            Column("Phase", ".status.phase"),
            Column("Plan", ".status.plan.summary"),
            Column("Done", ".status.progress.done", "integer"),
            Column("Total", ".status.progress.total", "integer"),
            Column("Revision", ".status.revision", "integer"),
            Column("Reason", '.status.conditions[?(@.type=="Ready")].reason', priority=1),
            _MESSAGE,
            _AGE,
        ),
        spec_rules=CHANGESET_SPEC_RULES,
        root_rules=CHANGESET_RULES,
        selectable=(".spec.user", ".status.phase"),
    ),
)


def crd(source: CrdSource) -> Object:
    """The CustomResourceDefinition of one kind."""
    kind = source.kind
    version: Object = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(column) for column in source.columns],
        "schema": {"openAPIV3Schema": _schema(source)},
    }
    if source.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in source.selectable]
    if source.scale is not None:
        spec, status, selector = source.scale
        version["subresources"]["scale"] = {
            "specReplicasPath": spec,
            "statusReplicasPath": status,
            "labelSelectorPath": selector,
        }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{kind.plural}.{GROUP}",
            # Uninstalling the chart must not delete every Stage.
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "shortNames": [source.short],
                "categories": ["setops"],
            },
            "versions": [version],
        },
    }


def _column(column: Column) -> Object:
    rendered: Object = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return {**rendered, "priority": column.priority} if column.priority else rendered


def _schema(source: CrdSource) -> Schema:
    spec = structural(source.spec)
    if source.kind is kinds.CHANGESET:
        described = spec["properties"]["definition"]["description"]
        spec["properties"]["definition"] = {
            **partial(StageDefinition),
            "description": described,
        }
    spec.update(source.spec_rules or {})
    if not source.required:
        # Everything in the spec has a default, so the spec may be left out.
        spec["default"] = {}
    checks: list[dict[str, str]] = list((source.root_rules or {}).get(CEL, ()))
    if source.name_rule:
        name = source.name_rule
        rule = f"self.metadata.name.matches('^{name.pattern}$')"
        checks.append({"rule": rule, "message": name.says, "fieldPath": ".metadata.name"})
    schema: Schema = {
        "type": "object",
        "description": source.description,
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": spec,
            "status": structural(source.status),
        },
    }
    if source.required:
        schema["required"] = list(source.required)
    if checks:
        schema[CEL] = checks
    return schema


def documents() -> Iterator[tuple[str, str]]:
    """Each CRD as (file name, YAML text)."""
    for source in SOURCES:
        text = yaml.safe_dump(crd(source), sort_keys=False, width=100, allow_unicode=True)
        yield f"{source.kind.plural}.{GROUP}.yaml", text


def write(directory: Path) -> None:
    """Write every CRD into a directory, and delete those that no model makes any more."""
    directory.mkdir(parents=True, exist_ok=True)
    made = dict(documents())
    for path in directory.glob(f"*.{GROUP}.yaml"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        write(Path(argument))
