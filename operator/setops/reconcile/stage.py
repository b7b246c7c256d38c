"""Stages: the namespace that isolates them, how much of it is ready, and an orderly deletion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from setops.api import names
from setops.api.conditions import ConditionType, Reason, is_true
from setops.api.kinds import (
    APP,
    CHANGESET,
    NAMESPACE,
    NETWORK_POLICY,
    NOTIFICATION,
    PROJECT,
    RESOURCE_QUOTA,
    SERVICE,
    Key,
    Kind,
    Object,
    key_of,
)
from setops.api.names import FINALIZER
from setops.api.stage import StageSpec
from setops.desired.metadata import Owner, StageNames
from setops.desired.namespace import is_ours, stage_namespace
from setops.desired.stage import StageObjects, stage_objects
from setops.reconcile import edits, namespaces, records, revisions
from setops.reconcile.carry_over import carry_over
from setops.reconcile.children import apply_all, remove_unwanted
from setops.reconcile.context import Context
from setops.reconcile.deletion import blocker, delete_or_wait
from setops.reconcile.released import is_released
from setops.reconcile.report import Report, Stalled, Waiting
from setops.reconcile.stage_around import is_deleting, is_protected, labels_of, organization_name

_KINDS = (NETWORK_POLICY, RESOURCE_QUOTA)
# Changesets first, so that none makes anything again; Services last, since Apps link them.
_ENDING = ((CHANGESET,), (APP, NOTIFICATION), (SERVICE,))


async def reconcile(context: Context, stage: Object) -> Report | None:
    """Keep the namespace and what isolates it; on deletion, delete everything in it first."""
    cluster = context.cluster
    name, home = stage["metadata"]["name"], stage["metadata"]["namespace"]
    if is_deleting(stage):
        context.memory.edits.pop(key_of(stage), None)
        _refuse_protected(stage)
        if not await is_released(context, stage):
            await _end(context, stage)
        await cluster.remove_finalizer(stage, FINALIZER)
        return None
    project = _project(context, home)
    namespace = names.stage_namespace(project, name, context.options.namespace_prefix)
    namespaces.refuse_reserved(context, namespace)
    spec = context.memory.specs.of(stage, StageSpec)
    stage = await cluster.add_finalizer(stage, FINALIZER)
    organization = organization_name(cluster, project)
    made = await namespaces.ensure(
        context, stage_namespace(namespace, project, name, organization, spec)
    )
    objects = stage_objects(
        StageObjects(
            StageNames(project, name, namespace),
            Owner(NAMESPACE, namespace, made["metadata"]["uid"]),
            spec.quota,
        )
    )
    await apply_all(cluster, objects)
    await carry_over(context, stage)
    records.tell_of_others(context, stage)
    await remove_unwanted(cluster, made, objects, _KINDS)
    resources = {kind: cluster.list(kind, namespace) for kind in (APP, SERVICE, NOTIFICATION)}
    everything = (obj for each in resources.values() for obj in each)
    again = await edits.record_when_quiet(context, stage, namespace, everything)
    status = _status(context, stage, namespace, resources)
    message = (
        f"namespace {namespace}, {status['readyApps']} of {status['apps']} Apps and "
        f"{status['readyServices']} of {status['services']} Services ready"
    )
    return Report("ready", Reason.READY, message, status, again)


def _project(context: Context, namespace: str) -> str:
    """The Project whose namespace this is."""
    name = names.project_of_namespace(namespace, context.options.namespace_prefix)
    if name is None or context.cluster.get(Key(PROJECT, "", name)) is None:
        raise Stalled(
            Reason.PROJECT_DOES_NOT_EXIST,
            f"namespace {namespace!r} belongs to no Project; "
            "put the Stage into the namespace that the Project names in its status",
            again=10,
        )
    live = context.cluster.get(Key(NAMESPACE, "", namespace))
    if live is None or labels_of(live).get(names.LABEL_PROJECT) != name:
        raise Waiting(
            Reason.PROJECT_DOES_NOT_EXIST, f"waits for Project {name!r} to take its namespace"
        )
    return name


def _status(
    context: Context, stage: Object, namespace: str, resources: Mapping[Kind, Sequence[Object]]
) -> dict[str, Any]:
    cluster = context.cluster
    # The latest status, since a commit may have taken the lock in the meantime.
    latest = cluster.get(key_of(stage)) or stage
    old = latest.get("status") or {}
    apps, services = resources[APP], resources[SERVICE]
    return {
        "namespace": namespace,
        "revision": revisions.latest_number(cluster, latest),
        "currentChangeset": old.get("currentChangeset"),
        "apps": len(apps),
        "readyApps": _ready(apps),
        "services": len(services),
        "readyServices": _ready(services),
    }


def _ready(objects: Sequence[Object]) -> int:
    return sum(
        is_true(obj.get("status"), ConditionType.READY, obj["metadata"].get("generation", 1))
        for obj in objects
    )


def _refuse_protected(stage: Object) -> None:
    """Raise Waiting for a protected Stage, before anything of it is touched.

    Admission refuses its deletion as well, but the protection may have come later, and somebody may
    have removed the policy or the CRD.
    """
    if is_protected(stage):
        raise Waiting(
            Reason.DELETING,
            "is protected from deletion, so nothing of it is touched: "
            "set its spec.deletionProtection to false to let it go",
        )


async def _end(context: Context, stage: Object) -> None:
    """Delete what is in the namespace, kind by kind, then the namespace."""
    cluster = context.cluster
    name, home = stage["metadata"]["name"], stage["metadata"]["namespace"]
    prefix = context.options.namespace_prefix
    project = names.project_of_namespace(home, prefix)
    namespace = names.stage_namespace(project or "", name, prefix)
    live = cluster.get(Key(NAMESPACE, "", namespace))
    # A Stage in a namespace that is no Project's has nothing, whatever its name is.
    if project is not None and live is not None and is_ours(live, project, name):
        for kinds in _ENDING:
            await _end_all(context, namespace, kinds)
        # Protection may have been lifted only a moment ago. As long as the namespace still has the
        # label, admission refuses our own delete, too.
        spec = context.memory.specs.of(stage, StageSpec)
        organization = organization_name(cluster, project)
        await cluster.apply(stage_namespace(namespace, project, name, organization, spec))
        await namespaces.remove(context, namespace, project, name)


async def _end_all(context: Context, namespace: str, kinds: Sequence[Kind]) -> None:
    cluster = context.cluster
    for kind in kinds:
        for obj in cluster.list(kind, namespace):
            if not is_deleting(obj):
                await delete_or_wait(cluster, obj)
    left = [obj for kind in kinds for obj in cluster.list(kind, namespace)]
    if left:
        raise Waiting(Reason.DELETING, "waits for " + "; ".join(blocker(obj) for obj in left[:5]))
