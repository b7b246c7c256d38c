"""A Stage's definition as its resources have it, and who edited them last."""

from __future__ import annotations

from pydantic import ValidationError

from setops.api.definition import StageDefinition, of_resources
from setops.api.kinds import Key
from setops.api.section import SECTIONS, Entry, Section
from setops.kube.cluster import Cluster
from setops.reconcile.places import is_deleting
from setops.reconcile.revisions import Author


def live_definition(cluster: Cluster, namespace: str) -> StageDefinition:
    """The Stage's definition as its resources have it, without those that are being deleted.

    Raises ProblemsError for a resource that the API server took and the definition can't hold.
    """
    return of_resources({section: cluster.list(section.kind, namespace) for section in SECTIONS})


def live_entry(cluster: Cluster, namespace: str, section: Section, name: str) -> Entry | None:
    """One entry of the live definition; None where there is none that the definition can hold."""
    live = cluster.get(Key(section.kind, namespace, name))
    if live is None or is_deleting(live):
        return None
    try:
        return section.model.model_validate(live["spec"])
    except ValidationError:
        return None


def last_editor(cluster: Cluster, namespace: str) -> Author:
    """The field manager that edited the Stage's resources last, not counting Changesets."""
    managers = [
        (str(entry.get("time", "")), str(entry.get("manager", "")))
        for section in SECTIONS
        for live in cluster.list(section.kind, namespace)
        for entry in live["metadata"].get("managedFields") or ()
    ]
    _, manager = max(managers, default=("", ""))
    return Author(manager=manager, message="edited directly, not through a Changeset")
