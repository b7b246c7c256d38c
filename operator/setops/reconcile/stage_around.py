"""Which Stage a namespace is, and the Organization, Project and Stage around an object.

A namespace is a Stage's only if all of this holds:

- Its name is the one that Project and Stage make, and the Stage stands in the namespace that the
  Project's name makes.
- The Project exists.
- It carries the labels that the operator puts on what it made or took over.
- The Stage's status, which the operator alone writes, names it.

So nobody who may create namespaces, label them, or create Stages in one of their own gets into the
place of a Stage. `stage_around` is the only function that says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from setops.api import names
from setops.api.conditions import Reason
from setops.api.kinds import NAMESPACE, ORGANIZATION, PROJECT, STAGE, Key, Object
from setops.api.organization import OrganizationSpec
from setops.api.stage import StageSpec
from setops.desired.metadata import StageNames
from setops.desired.namespace import is_ours
from setops.kube.cluster import Cluster
from setops.reconcile.context import Context
from setops.reconcile.report import Stalled, Waiting


@dataclass(frozen=True, slots=True)
class StageAround:
    """The Stage around an object, with what its reconciler has to know of it."""

    names: StageNames
    stage: Object
    spec: StageSpec
    organization: str
    organization_spec: OrganizationSpec | None
    """None when the Organization is gone."""

    @property
    def key(self) -> Key:
        metadata = self.stage["metadata"]
        return Key(STAGE, metadata["namespace"], metadata["name"])


def labels_of(obj: Object) -> dict[str, str]:
    """The labels of an object; empty when it has none."""
    labels: dict[str, str] = obj["metadata"].get("labels") or {}
    return labels


def is_deleting(obj: Object) -> bool:
    """Whether somebody has asked for the object's deletion."""
    return "deletionTimestamp" in obj["metadata"]


def is_protected(stage: Object) -> bool:
    """Whether a Stage, and what is in it, stays until somebody lifts its protection."""
    return bool(stage["spec"].get("deletionProtection"))


def namesake(namespace: str) -> Key:
    """The Stage to look at when a namespace changes, or something in it: the one of its name.

    Whether the namespace is that Stage's, and whether there is such a Stage, isn't said.
    """
    home, stage = names.home_and_stage(namespace)
    return Key(STAGE, home, stage)


def expected_stage(context: Context, namespace: str) -> tuple[str, Key] | None:
    """The Project and the Stage whose namespace has this name; None if no Stage's has."""
    prefix = context.options.namespace_prefix
    found = names.stage_of_namespace(namespace, prefix)
    if found is None:
        return None
    project, stage = found
    return project, Key(STAGE, names.project_namespace(project, prefix), stage)


def stage_around(context: Context, namespace: str) -> StageAround:
    """The Stage of a namespace.

    Raises Stalled when the namespace is no Stage's, and Waiting while the Stage or its Project
    isn't there, or the Stage hasn't taken the namespace yet.
    """
    cluster, found = context.cluster, expected_stage(context, namespace)
    live = cluster.get(Key(NAMESPACE, "", namespace))
    if found is None or live is None or not is_ours(live, found[0], found[1].name):
        raise Stalled(
            Reason.STAGE_DOES_NOT_EXIST,
            f"namespace {namespace!r} belongs to no Stage; "
            "put the object into the namespace that the Stage names in its status",
            again=10,
        )
    project, key = found
    stage = cluster.get(key)
    if stage is None:
        raise Waiting(
            Reason.STAGE_DOES_NOT_EXIST,
            f"waits for Stage {key.name!r} in namespace {key.namespace!r}",
        )
    if cluster.get(Key(PROJECT, "", project)) is None:
        raise Waiting(Reason.PROJECT_DOES_NOT_EXIST, f"waits for Project {project!r}", again=10)
    if (stage.get("status") or {}).get("namespace") != namespace:
        raise Waiting(
            Reason.STAGE_DOES_NOT_EXIST,
            f"waits for Stage {key.name!r} in namespace {key.namespace!r} to take this namespace",
        )
    organization = organization_name(cluster, project)
    hosting = cluster.get(Key(ORGANIZATION, "", organization))
    specs = context.memory.specs
    return StageAround(
        names=StageNames(project=project, stage=key.name, namespace=namespace),
        stage=stage,
        spec=specs.of(stage, StageSpec),
        organization=organization,
        organization_spec=specs.of(hosting, OrganizationSpec) if hosting else None,
    )


def organization_name(cluster: Cluster, project: str) -> str:
    """The name of a Project's Organization; empty when the Project is gone."""
    found = cluster.get(Key(PROJECT, "", project))
    return str(found["spec"]["organization"]) if found else ""
