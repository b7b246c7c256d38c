"""Writes an App's child objects and reports what runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Final

from setops.api.app import AppSpec
from setops.api.conditions import Reason
from setops.api.kinds import (
    APP,
    CORE_SERVICE,
    DEPLOYMENT,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    SERVICE_ACCOUNT,
    Key,
    Object,
    key_of,
)
from setops.desired.app import app_objects
from setops.desired.metadata import Owner
from setops.reconcile.app.inputs import AppInputs, inputs_of, with_placeholders
from setops.reconcile.app.verdict import status_of, verdict
from setops.reconcile.children import apply_all, remove_unwanted
from setops.reconcile.context import Context
from setops.reconcile.report import Report, Requeue
from setops.reconcile.stage_around import StageAround, is_deleting, stage_around

_PATIENCE: Final = 1.0
"""Seconds for which a new App's pods wait at most for other Apps' Services."""

_KINDS: Final = (SERVICE_ACCOUNT, CORE_SERVICE, NETWORK_POLICY, DEPLOYMENT, POD_DISRUPTION_BUDGET)


async def reconcile(context: Context, app: Object) -> Report | Requeue | None:
    """Make the App's children what its spec says, and report what runs."""
    if is_deleting(app):
        return None
    cluster, metadata = context.cluster, app["metadata"]
    around = stage_around(context, metadata["namespace"])
    owner = Owner.of(APP, app)
    inputs = inputs_of(context, around, owner, context.memory.specs.of(app, AppSpec))
    beside_spec = inputs.objects.inputs_beside_spec()
    if inputs.missing or not cluster.is_in_sync(app, beside_spec):
        if not await _write_children(context, app, inputs):
            return Requeue()
        if not inputs.missing:
            cluster.mark_in_sync(app, beside_spec)
    deployment = cluster.get(Key(DEPLOYMENT, metadata["namespace"], owner.name))
    if inputs.missing:
        waits = ", ".join(repr(service) for service in inputs.missing)
        return Report(
            "reconciling",
            Reason.WAITING_FOR_SERVICE,
            f"waits for Service {waits}",
            status_of(inputs.objects, deployment),
        )
    return verdict(context, around, inputs.objects, deployment)


def children(context: Context, around: StageAround, app: Owner, spec: AppSpec) -> Sequence[Object]:
    """The child objects of an App of this spec, whether or not it is there already.

    A link whose Secret isn't there yet gets a placeholder.
    """
    return app_objects(with_placeholders(inputs_of(context, around, app, spec)))


async def _write_children(context: Context, app: Object, inputs: AppInputs) -> bool:
    """Write the children that differ; whether that is all there is to do.

    Pods come last. They need their account, and once the API server is busy with pods it makes
    Services slowly, one at a time. So a new App gets its pods only after the other new Apps have
    got their Services.
    """
    cluster, gate = context.cluster, context.memory.new_apps
    wanted = app_objects(inputs.objects)
    deployments = [obj for obj in wanted if obj["kind"] == DEPLOYMENT.kind]
    others = [obj for obj in wanted if obj["kind"] != DEPLOYMENT.kind]
    is_new = any(cluster.get(key_of(obj)) is None for obj in others)
    runs_nothing = any(cluster.get(key_of(obj)) is None for obj in deployments)
    with gate.closed() if is_new else nullcontext():
        await apply_all(cluster, others)
    if is_new and runs_nothing:
        return False
    if runs_nothing:
        await gate.opened(_PATIENCE)
    # Without their link's Secret new containers could not start; what runs is left alone.
    if not inputs.missing:
        await apply_all(cluster, deployments)
    await remove_unwanted(cluster, app, wanted, _KINDS)
    return True
