"""The Organization, Project and Stage around an object, found by the namespace's labels."""

from __future__ import annotations

from dataclasses import dataclass

from setops.api import names
from setops.api.conditions import Reason
from setops.api.kinds import NAMESPACE, ORGANIZATION, PROJECT, STAGE, Key, Object
from setops.api.organization import OrganizationSpec
from setops.api.stage import StageSpec
from setops.desired.metadata import StageNames
from setops.kube.cluster import Cluster
from setops.reconcile.context import Context
from setops.reconcile.report import Stalled, Waiting


@dataclass(frozen=True, slots=True)
class StagePlace:
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


def stage_key(cluster: Cluster, namespace: str) -> Key | None:
    """The Stage whose namespace this is; None when it is no Stage's."""
    found = _project_and_stage(cluster, namespace)
    return found[1] if found else None


def _project_and_stage(cluster: Cluster, namespace: str) -> tuple[str, Key] | None:
    found = cluster.get(Key(NAMESPACE, "", namespace))
    if found is None:
        return None
    labels = labels_of(found)
    project, stage = labels.get(names.LABEL_PROJECT), labels.get(names.LABEL_STAGE)
    if not project or not stage:
        return None
    # The Project's namespace, prefix included, plus a dash and the Stage's name.
    return project, Key(STAGE, namespace.removesuffix(f"-{stage}"), stage)


def stage_around(context: Context, namespace: str) -> StagePlace:
    """The Stage of a namespace.

    Raises Stalled when the namespace is no Stage's, and Waiting while the Stage isn't there.
    """
    found = _project_and_stage(context.cluster, namespace)
    if found is None:
        raise Stalled(
            Reason.STAGE_DOES_NOT_EXIST,
            f"namespace {namespace!r} belongs to no Stage; "
            "put the object into the namespace that the Stage names in its status",
            again=10,
        )
    project, key = found
    stage = context.cluster.get(key)
    if stage is None:
        raise Waiting(
            Reason.STAGE_DOES_NOT_EXIST,
            f"waits for Stage {key.name!r} in namespace {key.namespace!r}",
        )
    organization = organization_name(context.cluster, project)
    hosting = context.cluster.get(Key(ORGANIZATION, "", organization))
    specs = context.memory.specs
    return StagePlace(
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
