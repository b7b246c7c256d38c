"""What reacts to a change of an object: the table `TRIGGERS` at the end has a row for every kind.

A rule yields the keys that have to be reconciled, given the change and the object. A deleted object
is passed as it was last. Rules read the cache alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from setops.api import names
from setops.api.changeset import Phase, phase_of
from setops.api.conditions import ConditionType
from setops.api.kinds import (
    APP,
    CHANGESET,
    CONTROLLER_REVISION,
    CORE_SERVICE,
    DEPLOYMENT,
    GROUP,
    NAMESPACE,
    NETWORK_POLICY,
    NOTIFICATION,
    ORGANIZATION,
    OURS,
    POD,
    POD_DISRUPTION_BUDGET,
    PROJECT,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STAGE,
    Key,
    Kind,
    Object,
    key_of,
)
from setops.kube.cache import ObjectChange
from setops.kube.cluster import Cluster
from setops.reconcile.changeset.queue import are_twins, is_draft, of_interest, waiting_behind
from setops.reconcile.rollout import is_complete, trouble
from setops.reconcile.stage_around import is_deleting, labels_of, namesake

_REPORTING: Final = (APP, NOTIFICATION, SERVICE)
_PACED: Final = frozenset({*_REPORTING, DEPLOYMENT, POD})
PACE: Final = 0.25
"""A new status of these alone sets off at most one reconciliation of an object in `PACE` seconds.

Otherwise, while many Apps roll out, each of their reports would set off one of the Stage, one of
the Changeset, and so on.
"""

PACE_PER_OBJECT: Final = 0.025
"""The same for each App, Service and Notification of a namespace: where there are few, that costs
little, and somebody may wait for the end of a commit."""

PACE_OF_COUNTS: Final = 1.0
"""The same in seconds while a Deployment only counts its containers, and nothing is decided yet."""

Rule = Callable[[Cluster, ObjectChange, Object], Iterator[Key]]

_BY_NAME: Final = {kind.kind: kind for kind in OURS}


def triggered(cluster: Cluster, change: ObjectChange) -> Sequence[Key]:
    """The keys to reconcile after a change, each once.

    Once, because a key that is marked again as soon as it runs is reconciled a second time.
    """
    obj = change.new or change.old or {}
    found = (key for rule in TRIGGERS[change.key.kind] for key in rule(cluster, change, obj))
    return tuple(dict.fromkeys(found))


def spacing_after(cluster: Cluster, change: ObjectChange) -> float:
    """Least seconds between two reconciliations of an object that such changes set off."""
    if not change.of_status_alone or change.key.kind not in _PACED:
        return 0.0
    if _counts_containers_alone(change):
        return PACE_OF_COUNTS
    reporting = sum(cluster.cache.count(kind, change.key.namespace) for kind in _REPORTING)
    return min(PACE, PACE_PER_OBJECT * reporting)


def _counts_containers_alone(change: ObjectChange) -> bool:
    """Whether a Deployment's rollout stays as it was: neither complete nor in a new trouble."""
    old, new = change.old, change.new
    return (
        change.key.kind is DEPLOYMENT
        and old is not None
        and new is not None
        and is_complete(old) == is_complete(new)
        and _conditions(old) == _conditions(new)
    )


def _conditions(deployment: Object) -> set[tuple[str, str]]:
    conditions = (deployment.get("status") or {}).get("conditions") or ()
    return {(item["type"], item["status"]) for item in conditions}


def _itself(_: Cluster, change: ObjectChange, __: Object) -> Iterator[Key]:
    """The object, unless only its status differs and still has conditions.

    Nobody but us writes conditions. If they are lost, as after a restore from a backup, they are
    computed again.
    """
    conditions = ((change.new or {}).get("status") or {}).get("conditions")
    if not (change.of_status_alone and conditions):
        yield change.key


def _owners(_: Cluster, change: ObjectChange, __: Object) -> Iterator[Key]:
    """The objects of ours that own it, or owned it before."""
    for obj in (change.old, change.new):
        for owner in (obj or {}).get("metadata", {}).get("ownerReferences") or ():
            if owner["apiVersion"].startswith(f"{GROUP}/") and owner["kind"] in _BY_NAME:
                yield Key(_BY_NAME[owner["kind"]], change.key.namespace, owner["name"])


def _all_in_namespace(cluster: Cluster, change: ObjectChange, _: Object) -> Iterator[Key]:
    """The Project or Stage whose namespace it may be, and all that may have waited for it."""
    name, stage = change.key.name, namesake(change.key.name)
    yield from _projects_called(cluster, name)
    if cluster.get(stage) is not None:
        yield from _projects_called(cluster, stage.namespace)
        yield stage
    for kind in OURS:
        if kind.namespaced:
            yield from _all(cluster, kind, name)


def _app_in_trouble(_: Cluster, change: ObjectChange, obj: Object) -> Iterator[Key]:
    """The App of a pod whose trouble began, changed or ended.

    Everything else about a pod also shows in its Deployment's status.
    """
    app = labels_of(obj).get(names.LABEL_APP)
    if app and _trouble_of(change.old) != _trouble_of(change.new):
        yield Key(APP, change.key.namespace, app)


def _app_without_old_pod(_: Cluster, change: ObjectChange, obj: Object) -> Iterator[Key]:
    """The App of a pod that an earlier version made and that is gone; see `app/selectors.py`."""
    app = labels_of(obj).get(names.LABEL_APP)
    if app and change.new is None and names.LABEL_COMPONENT not in labels_of(obj):
        yield Key(APP, change.key.namespace, app)


def _projects_and_services(cluster: Cluster, change: ObjectChange, _: Object) -> Iterator[Key]:
    """The Projects of an Organization, and the Services in its AWS account."""
    for project in cluster.list(PROJECT):
        if project["spec"]["organization"] == change.key.name:
            yield Key(PROJECT, "", project["metadata"]["name"])
    for service in cluster.list(SERVICE):
        target = (service.get("status") or {}).get("target") or {}
        if target.get("organization", change.key.name) == change.key.name:
            yield Key(SERVICE, service["metadata"]["namespace"], service["metadata"]["name"])


def _organization_and_stages(cluster: Cluster, _: ObjectChange, obj: Object) -> Iterator[Key]:
    """The Organization of a Project, which counts it, and its Stages, which follow it."""
    yield Key(ORGANIZATION, "", obj["spec"]["organization"])
    namespace = (obj.get("status") or {}).get("namespace") or obj["metadata"]["name"]
    yield from _all(cluster, STAGE, namespace)


def _project_of_stage(cluster: Cluster, change: ObjectChange, _: Object) -> Iterator[Key]:
    """The Project of a Stage, which lists it."""
    if not _counts_alone(change):
        yield from _projects_called(cluster, change.key.namespace)


def _contents_of_stage(cluster: Cluster, change: ObjectChange, obj: Object) -> Iterator[Key]:
    """The Changesets of a Stage, which wait for its lock, and what follows its settings."""
    namespace = _namespace(obj)
    if not namespace:
        return
    if _namespace(change.old) != namespace:
        # What lies in it waits until the Stage names it; see `places`.
        for kind in OURS:
            if kind.namespaced:
                yield from _all(cluster, kind, namespace)
        return
    if not _counts_alone(change) or _lock(change.old) != _lock(change.new):
        yield from _unfinished_changesets(cluster, namespace)
    if not change.of_status_alone:
        yield from _all(cluster, APP, namespace)
        yield from _all(cluster, SERVICE, namespace)


def _stage_and_changesets(cluster: Cluster, change: ObjectChange, _: Object) -> Iterator[Key]:
    """The Stage that counts it, and the Changesets that wait for it or plan over it."""
    if not _counts_alone(change):
        yield from _stage(cluster, change)
        yield from _unfinished_changesets(cluster, change.key.namespace)


def _linked_services(_: Cluster, change: ObjectChange, __: Object) -> Iterator[Key]:
    """The Services that an App links or linked; one that nobody links any more may be deleted."""
    if change.of_status_alone:
        return
    for obj in (change.old, change.new):
        for service in (obj or {}).get("spec", {}).get("links") or ():
            yield Key(SERVICE, change.key.namespace, service)


def _linking_apps(cluster: Cluster, change: ObjectChange, _: Object) -> Iterator[Key]:
    """The Apps that link a Service."""
    yield from _apps_that_link(cluster, change.key.namespace, change.key.name)


def _apps_that_take_it(cluster: Cluster, change: ObjectChange, obj: Object) -> Iterator[Key]:
    """The Apps that link the Service whose Secret it is."""
    service = labels_of(obj).get(names.LABEL_SERVICE, "")
    yield from _apps_that_link(cluster, change.key.namespace, service)


def _stage_around(cluster: Cluster, change: ObjectChange, obj: Object) -> Iterator[Key]:
    """The Stage of a network policy or quota, which puts it back, or of a revision."""
    owners = obj["metadata"].get("ownerReferences") or ()
    if any(owner["kind"] == NAMESPACE.kind for owner in owners):
        yield from _stage(cluster, change)


def _others_behind_it(cluster: Cluster, change: ObjectChange, obj: Object) -> Iterator[Key]:
    """The Changesets that wait for one whose phase has changed, and the Stage once it is gone.

    A new one that is open comes after all others, unless it is as old as they are. Nobody waits for
    one that has already ended.
    """
    before = _phase(change.old)
    if before == _phase(change.new):
        return
    if change.new is None:
        yield from _stage(cluster, change)
    if before is not None and before.finished:
        return
    new = change.new if change.old is None else None
    if new is not None and is_draft(new):
        for other in cluster.list(CHANGESET, change.key.namespace):
            if is_draft(other) and are_twins(other, new) and key_of(other) != change.key:
                yield key_of(other)
        return
    yield from map(key_of, waiting_behind(cluster, change.old or obj))


def _counts_alone(change: ObjectChange) -> bool:
    """Whether a status changed, but not Ready or Stalled.

    While an object is being deleted every change counts, since its message says what it waits for.
    """
    if not change.of_status_alone or is_deleting(change.new or {"metadata": {}}):
        return False
    return _verdict(change.old) == _verdict(change.new)


def _verdict(obj: Object | None) -> set[tuple[str, str, int]]:
    conditions = ((obj or {}).get("status") or {}).get("conditions") or ()
    return {
        (item["type"], item["status"], item.get("observedGeneration", 0))
        for item in conditions
        if item["type"] in (ConditionType.READY, ConditionType.STALLED)
    }


def _trouble_of(pod: Object | None) -> tuple[str, str] | None:
    return None if pod is None else trouble([pod])


def _lock(stage: Object | None) -> Any:
    return ((stage or {}).get("status") or {}).get("currentChangeset")


def _phase(changeset: Object | None) -> Phase | None:
    return None if changeset is None else phase_of(changeset)


def _stage(cluster: Cluster, change: ObjectChange) -> Iterator[Key]:
    stage = namesake(change.key.namespace)
    if cluster.get(stage) is not None:
        yield stage


def _namespace(stage: Object | None) -> str | None:
    namespace: str | None = ((stage or {}).get("status") or {}).get("namespace")
    return namespace


def _projects_called(cluster: Cluster, namespace: str) -> Iterator[Key]:
    """The Project with a namespace of this name, whatever prefix all namespaces have."""
    for project in cluster.list(PROJECT):
        if namespace.endswith(project["metadata"]["name"]):
            yield Key(PROJECT, "", project["metadata"]["name"])


def _apps_that_link(cluster: Cluster, namespace: str, service: str) -> Iterator[Key]:
    for app in cluster.list(APP, namespace):
        if service in (app["spec"].get("links") or {}):
            yield Key(APP, namespace, app["metadata"]["name"])


def _unfinished_changesets(cluster: Cluster, namespace: str) -> Iterator[Key]:
    """Changesets that wait for the Stage, or show a plan over it."""
    yield from map(key_of, of_interest(cluster, namespace))


def _all(cluster: Cluster, kind: Kind, namespace: str) -> Iterator[Key]:
    for obj in cluster.list(kind, namespace):
        yield Key(kind, namespace, obj["metadata"]["name"])


TRIGGERS: Final[Mapping[Kind, Sequence[Rule]]] = {
    # Kinds that users write.
    ORGANIZATION: (_itself, _projects_and_services),
    PROJECT: (_itself, _organization_and_stages),
    STAGE: (_itself, _owners, _project_of_stage, _contents_of_stage),
    APP: (_itself, _owners, _stage_and_changesets, _linked_services),
    SERVICE: (_itself, _owners, _stage_and_changesets, _linking_apps),
    NOTIFICATION: (_itself, _owners, _stage_and_changesets),
    CHANGESET: (_itself, _owners, _others_behind_it),
    # Their children.
    NAMESPACE: (_all_in_namespace,),
    SERVICE_ACCOUNT: (_owners,),
    DEPLOYMENT: (_owners,),
    CORE_SERVICE: (_owners,),
    POD_DISRUPTION_BUDGET: (_owners,),
    NETWORK_POLICY: (_owners, _stage_around),
    RESOURCE_QUOTA: (_owners, _stage_around),
    # Only those that the operator makes are watched, no user's own.
    SECRET: (_owners, _apps_that_take_it),
    POD: (_owners, _app_in_trouble, _app_without_old_pod),
    CONTROLLER_REVISION: (_owners, _stage_around),
}
"""By the kind of an object that changed: the rules that name what has to be reconciled."""
