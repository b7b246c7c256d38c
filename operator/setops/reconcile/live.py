"""A Stage's definition as its resources have it, and who edited them last."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from setops.api.definition import StageDefinition, of_resources
from setops.api.kinds import Key, Object
from setops.api.section import SECTIONS, Entry, Section
from setops.changes.diff import Action, Change, FieldDelta
from setops.kube.cluster import Cluster
from setops.reconcile.revisions import Author
from setops.reconcile.stage_around import is_deleting


def live_definition(cluster: Cluster, namespace: str) -> StageDefinition:
    """The Stage's definition as its resources have it, without those that are being deleted.

    Raises ProblemsError for a resource that the API server took and the definition can't hold.
    """
    return of_resources({section: cluster.list(section.kind, namespace) for section in SECTIONS})


def live_entry(cluster: Cluster, namespace: str, section: Section, name: str) -> Entry | None:
    """One entry of the live definition; None where there is none that the definition can hold."""
    live = cluster.get(Key(section.kind, namespace, name))
    return None if live is None or is_deleting(live) else entry_in(section, live)


def entry_in(section: Section, live: Object) -> Entry | None:
    """The spec of a live resource; None if the definition can't hold it."""
    try:
        return section.model.model_validate(live["spec"])
    except ValidationError:
        return None


def last_editor(cluster: Cluster, namespace: str, changes: Sequence[Change]) -> Author:
    """Who made these changes without a Changeset: the manager that edited their fields last.

    Nobody manages a field that was removed, and nothing an App that was deleted. Then whoever
    edited the App last counts, or whoever edited the Stage's resources last. It is nobody if the
    App is so large that the API server doesn't note who manages it.
    """
    edited = [
        (change, live)
        for change in changes
        if (live := cluster.get(Key(change.section.kind, namespace, change.name))) is not None
    ]
    resources = [live for _, live in edited] or [
        live for section in SECTIONS for live in cluster.list(section.kind, namespace)
    ]
    managers = [each for change, live in edited for each in _managers(live, change.fields)] or [
        each for live in resources for each in _managers(live)
    ]
    _, manager = max(managers, default=("", ""))
    message = "edited directly, not through a Changeset"
    return Author(manager=manager, message=message, fields=_paths(changes))


def _managers(live: Object, fields: Sequence[FieldDelta] | None = None) -> list[tuple[str, str]]:
    """The time of the last edit and the manager's name, of all managers or of those of fields."""
    return [
        (str(entry.get("time", "")), str(entry.get("manager", "")))
        for entry in live["metadata"].get("managedFields") or ()
        if fields is None or any(_manages(entry, field.path) for field in fields)
    ]


def _manages(entry: Object, path: Sequence[str]) -> bool:
    """Whether an entry of managedFields holds a field, or something in it."""
    held = (entry.get("fieldsV1") or {}).get("f:spec") or {}
    for name in path:
        if f"f:{name}" not in held:
            return False
        held = held[f"f:{name}"]
        if not held:
            return True
    return True


def _paths(changes: Sequence[Change]) -> frozenset[str]:
    """The fields that differ; of a resource that was made or deleted, the resource itself."""
    return frozenset(
        ".".join((change.section.name, change.name, *path))
        for change in changes
        for path in (
            [field.path for field in change.fields] if change.action is Action.UPDATE else [()]
        )
    )
