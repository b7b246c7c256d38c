"""The deletion of a Service: it waits while Apps link it, then its deletion policy decides.

A rollback deletes what its commit had created, whatever the policy. The whole rule is in
`api.service_type`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from setops.api.catalogue import TYPES
from setops.api.conditions import Reason
from setops.api.kinds import APP, Object
from setops.api.names import FINALIZER
from setops.api.service import ServiceSpec, ServiceTarget
from setops.api.service_type import DeletionPolicy
from setops.aws import converge
from setops.aws.converge import UnsettledError
from setops.aws.decide import Act, Done, Wait
from setops.aws.target import Asking, Target
from setops.reconcile.aws import SOON
from setops.reconcile.context import Context
from setops.reconcile.report import Waiting
from setops.reconcile.service.asked_before import store_asked
from setops.reconcile.service.claim import is_its_own
from setops.reconcile.service.placement import where_to_delete
from setops.reconcile.service.rollback import is_rolled_back, note_deletion
from setops.reconcile.service.target import target_of
from setops.reconcile.stage_around import is_deleting


async def end(context: Context, service: Object) -> None:
    """Delete or release its resources at AWS, as the policy says, then remove the finalizer.

    Raises Waiting while Apps link it, and while AWS is working on the deletion.
    """
    metadata = service["metadata"]
    linking = _linking_apps(context, metadata["namespace"], metadata["name"])
    if linking:
        raise Waiting(
            Reason.SERVICE_LINKED,
            f"linked by {', '.join(linking)}; unlink it first "
            f"(--app {linking[0]} link:destroy {metadata['name']})",
        )
    stored = (service.get("status") or {}).get("target")
    spec = context.memory.specs.of(service, ServiceSpec)
    if stored is not None and is_its_own(context, service, ServiceTarget.model_validate(stored)):
        where = where_to_delete(context, service, ServiceTarget.model_validate(stored))
        # A deletion needs neither version nor options, and AWS may have refused them.
        target = replace(target_of(service, spec, where), version=None, options={})
        if is_rolled_back(context, service) and not service["status"].get("adopted"):
            service = await note_deletion(context, service)
            target = replace(target, deletion_policy=DeletionPolicy.DELETE)
        await _remove(context, service, target)
    elif stored is not None:
        message = (
            "let go; the resources at AWS that its status names belong to another Service, so they "
            "are left as they are"
        )
        context.events.record(service, "Warning", Reason.OBJECT_TAKEN.value, message)
    await context.cluster.remove_finalizer(service, FINALIZER)


@dataclass(frozen=True, slots=True)
class _Remover:
    """Lets the loop go on; a deletion has no credentials to store."""

    context: Context
    service: Object

    async def before(self, act: Act) -> None:
        """Go on."""

    async def store(self, connection: Mapping[str, str]) -> None:
        """Nothing is stored."""

    async def keep_asked(self, asked: Sequence[Asking]) -> None:
        await store_asked(self.context, self.service, asked)


async def _remove(context: Context, service: Object, target: Target) -> None:
    try:
        settled = await converge.remove(context.aws, target, _Remover(context, service))
    except UnsettledError as error:
        message = "AWS still shows what was deleted"
        raise Waiting(Reason.DELETING, message, again=SOON) from error
    match settled.end:
        case Done():
            context.aws.forget(target)
        case Wait(reason):
            raise Waiting(
                Reason.DELETING,
                f"{TYPES[target.type].product}: {reason}",
                again=SOON,
                status={"state": settled.observation.main.state},
            )


def _linking_apps(context: Context, namespace: str, service: str) -> list[str]:
    return sorted(
        app["metadata"]["name"]
        for app in context.cluster.list(APP, namespace)
        if service in (app["spec"].get("links") or {}) and not is_deleting(app)
    )
