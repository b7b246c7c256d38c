"""What AWS should make of a Service. Pure."""

from __future__ import annotations

from typing import Final

from setops.api.catalogue import TYPES
from setops.api.kinds import Object
from setops.api.organization import OrganizationNetwork
from setops.api.service import ServiceSpec, ServiceTarget
from setops.api.service_type import DeletionPolicy
from setops.aws.identity import Identity
from setops.aws.target import Placement, Target
from setops.reconcile.aws import account_of
from setops.reconcile.service.asked_before import asked_before
from setops.reconcile.service.version_pin import pin_of

_UID_LENGTH: Final = 8
"""How many characters of the uid distinguish a Service from an earlier one of its name."""


def target_of(service: Object, spec: ServiceSpec, where: ServiceTarget) -> Target:
    """The Target of a Service, without the credentials of its Secret."""
    network = where.network or OrganizationNetwork()
    status = service.get("status") or {}
    pin = pin_of(service)
    return Target(
        account=account_of(where),
        identity=Identity.of_service(
            where.organization, where.project, where.stage, service["metadata"]["name"]
        ),
        type=spec.type,
        version=spec.version,
        plan=spec.plan,
        options=spec.options.to_json() if spec.options else {},
        deletion_policy=deletion_policy(spec),
        ids=status.get("ids") or {},
        backup_retention_days=spec.backup_retention_days,
        placement=Placement(
            network.vpc_id or "",
            tuple(network.private_subnet_ids or ()),
            tuple(network.security_group_ids or ()),
        ),
        uid=service["metadata"]["uid"][:_UID_LENGTH],
        was_ready=bool(status.get("secret")),
        asked=asked_before(service),
        version_ceiling=pin.taken if pin and pin.version == spec.version else None,
    )


def deletion_policy(spec: ServiceSpec) -> DeletionPolicy:
    """What deleting does with the data: as the spec says, else the default of the type."""
    if spec.deletion_policy is not None:
        return DeletionPolicy(spec.deletion_policy)
    return TYPES[spec.type].default_policy
