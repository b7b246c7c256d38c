"""Where a Service lives at AWS: account, region, identity and network.

All of it, and the ids of its parts, is stored in its status before anything is made there.
"""

from __future__ import annotations

from setops.api.conditions import Reason
from setops.api.kinds import Object
from setops.api.service import ServiceSpec, ServiceTarget
from setops.aws.decide import Relinquish
from setops.aws.observation import Presence
from setops.reconcile.context import Context
from setops.reconcile.places import StagePlace, stage_around
from setops.reconcile.report import Interruption, Waiting
from setops.reconcile.service.target import target_of


def where_to_keep(service: Object, around: StagePlace) -> ServiceTarget:
    """The account and identity: as stored, with access as the Organization has it now.

    A Service stays in its account and region, and what is there at AWS in its network, whatever
    the Organization says later. Raises Waiting while there is no Organization, and never was.
    """
    status = service.get("status") or {}
    known = status.get("target")
    stored = ServiceTarget.model_validate(known) if known else None
    organization = around.organization_spec
    if organization is None:
        if stored is None:
            raise Waiting(
                Reason.ORGANIZATION_DOES_NOT_EXIST,
                f"waits for Organization {around.organization!r}, which names the AWS account",
            )
        return stored
    aws = organization.aws
    current = ServiceTarget(
        account_id=aws.account_id,
        region=aws.region,
        role_arn=aws.role_arn,
        external_id=aws.external_id,
        endpoint_url=aws.endpoint_url,
        network=organization.network,
        organization=around.organization,
        project=around.names.project,
        stage=around.names.stage,
    )
    if stored is None:
        return current
    if (stored.account_id, stored.region) != (current.account_id, current.region):
        return stored
    return _stay(stored, current) if status.get("arn") else current


def where_to_delete(context: Context, service: Object, stored: ServiceTarget) -> ServiceTarget:
    """As stored; with access as the Organization has it now, if it can still be found."""
    try:
        where = where_to_keep(service, stage_around(context, service["metadata"]["namespace"]))
    except Interruption:
        return stored
    return where.model_copy(update={"network": stored.network})


async def settle_in(
    context: Context, service: Object, spec: ServiceSpec, where: ServiceTarget
) -> tuple[Object, ServiceTarget]:
    """Store where the Service is made, the ids of its parts, and whether anything was there."""
    status = service.get("status") or {}
    target = target_of(service, spec, where)
    if "target" not in status:
        found = await context.aws.observe(target)
        status = {**status, "adopted": found.presence is not Presence.ABSENT or None}
    else:
        stored = ServiceTarget.model_validate(status["target"])
        where = await _move(context, service, spec, stored, where)
    ids = dict(context.aws.ids(target))
    status = {**status, "target": where.to_json(), "ids": ids}
    return await context.cluster.swap_status(service, status), where


def check_network(context: Context, service: Object, chosen: ServiceTarget) -> None:
    """Raises Waiting when the Organization's network was put right since the Service's was chosen:
    what is made in one stays there."""
    around = stage_around(context, service["metadata"]["namespace"])
    now = where_to_keep(service, around).network
    if now is None or now.vpc_id is None or chosen.network is None:
        return
    if (now.vpc_id, now.private_subnet_ids) != (
        chosen.network.vpc_id,
        chosen.network.private_subnet_ids,
    ):
        message = "the Organization's network has changed; the Service is made in that"
        raise Waiting(Reason.AWS_WAITING, message, again=0.0)


def _stay(stored: ServiceTarget, current: ServiceTarget) -> ServiceTarget:
    """As it is now, in the network where it was made; who may reach it is also as it is now."""
    there, here = stored.network, current.network
    if there is None or there.vpc_id is None:
        return current
    groups = here.security_group_ids if here else there.security_group_ids
    network = there.model_copy(update={"security_group_ids": groups})
    return current.model_copy(update={"network": network})


async def _move(
    context: Context,
    service: Object,
    spec: ServiceSpec,
    stored: ServiceTarget,
    where: ServiceTarget,
) -> ServiceTarget:
    """Where it is made after all, when the network was another at first: somebody put it right.

    What was begun in the first one goes, unless the Service itself is there by now.
    """
    target, then = target_of(service, spec, stored), target_of(service, spec, where)
    if not target.placement.vpc_id or target.placement.fixed == then.placement.fixed:
        return where
    found = await context.aws.observe(target)
    if found.presence is Presence.PRESENT or not then.placement.vpc_id:
        return _stay(stored, where)
    if found.presence is Presence.PARTIAL:
        await context.aws.perform(target, found, Relinquish())
    return where
