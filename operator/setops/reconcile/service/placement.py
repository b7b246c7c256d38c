"""Where a Service lives at AWS: account, region, identity and network.

All of this, and the ids of its parts, is stored in its status before anything is created at AWS.
"""

from __future__ import annotations

from setops.api.conditions import Reason
from setops.api.kinds import Object
from setops.api.service import ServiceSpec, ServiceTarget
from setops.aws.decide import Relinquish
from setops.aws.observation import Presence
from setops.reconcile.context import Context
from setops.reconcile.report import Interruption, Waiting
from setops.reconcile.service.target import target_of
from setops.reconcile.stage_around import StageAround, stage_around


def where_to_keep(service: Object, around: StageAround) -> ServiceTarget:
    """Account, region, identity and network as stored, with access as the Organization has it now.

    A Service stays in its account and region, and once it exists at AWS in its network, even if the
    Organization changes. Raises Waiting if nothing is stored yet and there is no Organization.
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
    """As stored, with access as the Organization has it now, if that still exists."""
    try:
        where = where_to_keep(service, stage_around(context, service["metadata"]["namespace"]))
    except Interruption:
        return stored
    return where.model_copy(update={"network": stored.network})


async def settle_in(
    context: Context, service: Object, spec: ServiceSpec, where: ServiceTarget
) -> tuple[Object, ServiceTarget]:
    """Store where the Service is created, the ids of its parts, and whether it adopts anything."""
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
    """Raises Waiting if the Organization's network was changed after the Service's was chosen.

    This comes before the creation, since a Service can't move to another network afterwards.
    """
    around = stage_around(context, service["metadata"]["namespace"])
    now = where_to_keep(service, around).network
    if now is None or now.vpc_id is None or chosen.network is None:
        return
    if (now.vpc_id, now.private_subnet_ids) != (
        chosen.network.vpc_id,
        chosen.network.private_subnet_ids,
    ):
        message = (
            "the Organization's network has changed; the Service will be created in the new one"
        )
        raise Waiting(Reason.AWS_WAITING, message, again=0.0)


def _stay(stored: ServiceTarget, current: ServiceTarget) -> ServiceTarget:
    """The current placement, but in the stored VPC and subnets.

    The security groups that may reach it are the current ones.
    """
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
    """Where it is created, if the Organization's network was changed after the first choice.

    It moves to the new network, and auxiliary parts in the first one are deleted. If its main part
    already exists in the first one, it stays.
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
