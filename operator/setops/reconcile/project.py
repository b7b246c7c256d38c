"""Projects: the namespace for their Stages, and an orderly deletion."""

from __future__ import annotations

from setops.api import names
from setops.api.conditions import Reason
from setops.api.kinds import NAMESPACE, ORGANIZATION, STAGE, Key, Object
from setops.api.names import FINALIZER
from setops.api.project import ProjectSpec
from setops.desired.namespace import is_ours, project_namespace
from setops.reconcile import namespaces
from setops.reconcile.context import Context
from setops.reconcile.deletion import blocker, delete_or_wait
from setops.reconcile.released import is_released
from setops.reconcile.report import Report, Waiting
from setops.reconcile.stage_around import is_deleting, is_protected


async def reconcile(context: Context, project: Object) -> Report | None:
    """Keep the namespace; on deletion, delete the Stages, then the namespace, then the Project."""
    cluster = context.cluster
    name = project["metadata"]["name"]
    namespace = names.project_namespace(name, context.options.namespace_prefix)
    if is_deleting(project):
        if not await is_released(context, project):
            await _end_stages(context, namespace, name)
            await namespaces.remove(context, namespace, name)
        await cluster.remove_finalizer(project, FINALIZER)
        return None
    namespaces.refuse_reserved(context, namespace)
    spec = context.memory.specs.of(project, ProjectSpec)
    if cluster.get(Key(ORGANIZATION, "", spec.organization)) is None:
        raise Waiting(
            Reason.ORGANIZATION_DOES_NOT_EXIST,
            f"Organization {spec.organization!r} doesn't exist; create it, "
            "or name one that does in spec.organization",
        )
    await cluster.add_finalizer(project, FINALIZER)
    await namespaces.ensure(context, project_namespace(namespace, name, spec.organization))
    stages = sorted(stage["metadata"]["name"] for stage in cluster.list(STAGE, namespace))
    hosted = f"Stages: {', '.join(stages)}" if stages else "no Stage yet"
    return Report(
        "ready",
        Reason.READY,
        f"namespace {namespace}, {hosted}",
        {"namespace": namespace, "stages": stages},
    )


async def _end_stages(context: Context, namespace: str, project: str) -> None:
    """Delete the Stages; raises Waiting with what the remaining ones wait for."""
    live = context.cluster.get(Key(NAMESPACE, "", namespace))
    if live is None or not is_ours(live, project):
        return
    stages = context.cluster.list(STAGE, namespace)
    held = sorted(stage["metadata"]["name"] for stage in stages if is_protected(stage))
    if held:
        raise Waiting(
            Reason.DELETING,
            f"waits for Stage {held[0]!r}, which is protected from deletion: "
            "set its spec.deletionProtection to false to let it go",
        )
    for stage in stages:
        if not is_deleting(stage):
            await delete_or_wait(context.cluster, stage)
    left = context.cluster.list(STAGE, namespace)
    if left:
        raise Waiting(Reason.DELETING, "waits for " + "; ".join(blocker(s) for s in left))
