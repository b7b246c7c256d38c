"""Which objects are to be looked at after a change of one object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from setops.api import names
from setops.api.changeset import Phase, phase_of
from setops.api.conditions import ConditionType
from setops.api.kinds import (
    APP,
    CHANGESET,
    GROUP,
    NAMESPACE,
    NETWORK_POLICY,
    NOTIFICATION,
    ORGANIZATION,
    OURS,
    POD,
    PROJECT,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE,
    STAGE,
    Key,
    Kind,
    Object,
)
from setops.kube.cache import Change
from setops.kube.cluster import Cluster
from setops.reconcile.places import is_deleting, labels_of, stage_key
from setops.reconcile.rollout import trouble

_BY_NAME: Final = {kind.kind: kind for kind in OURS}


def routes(cluster: Cluster, change: Change) -> Iterator[Key]:
    """The keys that a change concerns: the object itself, its owners, and who waits for it."""
    kind = change.key.kind
    obj = change.new or change.old or {}
    if kind in OURS and not _is_own_report(change):
        yield change.key
    yield from _owners(change)
    if kind in _CONCERNED:
        yield from _CONCERNED[kind](cluster, change, obj)


def _is_own_report(change: Change) -> bool:
    """Whether only the status differs and still reports: nobody writes that but us."""
    new = change.new
    return change.of_status_alone and bool(new and (new.get("status") or {}).get("conditions"))


def _stands_otherwise(change: Change) -> bool:
    """Whether it became ready or stalled, or ceased to be, or is going and says why it lingers."""
    return is_deleting(change.new or {"metadata": {}}) or _stand(change.old) != _stand(change.new)


def _stand(obj: Object | None) -> set[tuple[str, str, int]]:
    conditions = ((obj or {}).get("status") or {}).get("conditions") or ()
    return {
        (item["type"], item["status"], item.get("observedGeneration", 0))
        for item in conditions
        if item["type"] in (ConditionType.READY, ConditionType.STALLED)
    }


def _owners(change: Change) -> Iterator[Key]:
    for obj in (change.old, change.new):
        for owner in (obj or {}).get("metadata", {}).get("ownerReferences") or ():
            if owner["apiVersion"].startswith(f"{GROUP}/") and owner["kind"] in _BY_NAME:
                yield Key(_BY_NAME[owner["kind"]], change.key.namespace, owner["name"])


def _of_namespace(cluster: Cluster, change: Change, obj: Object) -> Iterator[Key]:
    """The Project or Stage whose namespace it is, and all that may have waited for it."""
    name, labels = change.key.name, labels_of(obj)
    project, stage = labels.get(names.LABEL_PROJECT), labels.get(names.LABEL_STAGE)
    if project:
        yield Key(PROJECT, "", project)
    if project and stage:
        yield Key(STAGE, name.removesuffix(f"-{stage}"), stage)
    for kind in OURS:
        if kind.namespaced:
            yield from _all(cluster, kind, name)


def _of_pod(_: Cluster, change: Change, obj: Object) -> Iterator[Key]:
    """Its App, where it begins or ceases to suffer; all else the Deployment's status tells."""
    app = labels_of(obj).get(names.LABEL_APP)
    if app and _troubles(change.old) != _troubles(change.new):
        yield Key(APP, change.key.namespace, app)


def _troubles(pod: Object | None) -> tuple[str, str] | None:
    return None if pod is None else trouble([pod])


def _of_organization(cluster: Cluster, change: Change, _: Object) -> Iterator[Key]:
    for project in cluster.list(PROJECT):
        if project["spec"]["organization"] == change.key.name:
            yield Key(PROJECT, "", project["metadata"]["name"])
    yield from _services_of(cluster, change.key.name)


def _of_project(cluster: Cluster, _: Change, obj: Object) -> Iterator[Key]:
    yield Key(ORGANIZATION, "", obj["spec"]["organization"])
    yield from _all(cluster, STAGE, _project_namespace(obj))


def _of_stage(cluster: Cluster, change: Change, obj: Object) -> Iterator[Key]:
    counts_alone = change.of_status_alone and not _stands_otherwise(change)
    home = cluster.get(Key(NAMESPACE, "", change.key.namespace))
    project = labels_of(home).get(names.LABEL_PROJECT) if home else None
    if project and not counts_alone:
        yield Key(PROJECT, "", project)
    namespace = (obj.get("status") or {}).get("namespace")
    if not namespace:
        return
    if not counts_alone or _lock(change.old) != _lock(change.new):
        yield from _unfinished(cluster, namespace)
    if not change.of_status_alone:
        yield from _all(cluster, APP, namespace)
        yield from _all(cluster, SERVICE, namespace)


def _lock(stage: Object | None) -> Any:
    return ((stage or {}).get("status") or {}).get("currentChangeset")


def _of_app(cluster: Cluster, change: Change, _: Object) -> Iterator[Key]:
    yield from _of_entry(cluster, change, _)
    if change.of_status_alone:
        return
    for obj in (change.old, change.new):
        for service in (obj or {}).get("spec", {}).get("links") or ():
            yield Key(SERVICE, change.key.namespace, service)


def _of_service(cluster: Cluster, change: Change, obj: Object) -> Iterator[Key]:
    yield from _of_entry(cluster, change, obj)
    yield from _linking(cluster, change.key.namespace, change.key.name)


def _of_secret(cluster: Cluster, change: Change, obj: Object) -> Iterator[Key]:
    yield from _linking(cluster, change.key.namespace, labels_of(obj).get(names.LABEL_SERVICE, ""))


def _of_entry(cluster: Cluster, change: Change, _: Object) -> Iterator[Key]:
    """The Stage that counts it, and the Changesets that wait for it or plan over it."""
    if change.of_status_alone and not _stands_otherwise(change):
        return
    stage = stage_key(cluster, change.key.namespace)
    if stage is not None:
        yield stage
    yield from _unfinished(cluster, change.key.namespace)


def _services_of(cluster: Cluster, organization: str) -> Iterator[Key]:
    for service in cluster.list(SERVICE):
        target = (service.get("status") or {}).get("target") or {}
        if target.get("organization", organization) == organization:
            yield Key(SERVICE, service["metadata"]["namespace"], service["metadata"]["name"])


def _project_namespace(project: Object) -> str:
    return str((project.get("status") or {}).get("namespace") or project["metadata"]["name"])


def _linking(cluster: Cluster, namespace: str, service: str) -> Iterator[Key]:
    for app in cluster.list(APP, namespace):
        if service in (app["spec"].get("links") or {}):
            yield Key(APP, namespace, app["metadata"]["name"])


def _of_isolation(cluster: Cluster, change: Change, obj: Object) -> Iterator[Key]:
    """What keeps a Stage apart belongs to its namespace, and is the Stage's to put back."""
    owners = obj["metadata"].get("ownerReferences") or ()
    stage = stage_key(cluster, change.key.namespace)
    if stage is not None and any(owner["kind"] == NAMESPACE.kind for owner in owners):
        yield stage


def _of_changeset(cluster: Cluster, change: Change, _: Object) -> Iterator[Key]:
    """Those that wait behind it, once it moves on; its own reports concern nobody."""
    if _phase(change.old) == _phase(change.new):
        return
    stage = stage_key(cluster, change.key.namespace)
    if stage is not None and change.new is None:
        yield stage
    for key in _unfinished(cluster, change.key.namespace):
        if key != change.key:
            yield key


def _phase(changeset: Object | None) -> Phase | None:
    return None if changeset is None else phase_of(changeset)


def _unfinished(cluster: Cluster, namespace: str) -> Iterator[Key]:
    """Changesets that wait for the Stage, or show a plan over it."""
    for changeset in cluster.list(CHANGESET, namespace):
        phase = _phase(changeset)
        if phase is not None and not phase.finished:
            yield Key(CHANGESET, namespace, changeset["metadata"]["name"])


def _all(cluster: Cluster, kind: Kind, namespace: str) -> Iterator[Key]:
    for obj in cluster.list(kind, namespace):
        yield Key(kind, namespace, obj["metadata"]["name"])


_CONCERNED: Final[Mapping[Kind, Callable[[Cluster, Change, Object], Iterator[Key]]]] = {
    NAMESPACE: _of_namespace,
    POD: _of_pod,
    SECRET: _of_secret,
    ORGANIZATION: _of_organization,
    PROJECT: _of_project,
    STAGE: _of_stage,
    APP: _of_app,
    SERVICE: _of_service,
    NOTIFICATION: _of_entry,
    CHANGESET: _of_changeset,
    NETWORK_POLICY: _of_isolation,
    RESOURCE_QUOTA: _of_isolation,
}
"""Those whose own state depends on an object's, though they don't own it."""
