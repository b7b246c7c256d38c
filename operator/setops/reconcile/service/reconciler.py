"""Makes a Service's resources at AWS what its spec says, and reports on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from setops.api.catalogue import TYPES
from setops.api.conditions import ConditionType, Reason, is_true
from setops.api.definition import problems_by_type
from setops.api.errors import Code
from setops.api.kinds import Object
from setops.api.names import FINALIZER
from setops.api.service import ServiceSpec, ServiceTarget
from setops.aws import converge
from setops.aws.converge import Settled
from setops.aws.decide import Act, Create, Done, Failed, Foreign, IssueCredentials, Refuse, Wait
from setops.aws.errors import AwsError, ConflictError
from setops.aws.inventories import FRESH
from setops.aws.observation import Observation
from setops.aws.target import Asking
from setops.desired.metadata import StageNames
from setops.desired.service import secret_name
from setops.reconcile.aws import SOON, interruption
from setops.reconcile.context import Context
from setops.reconcile.released import is_released
from setops.reconcile.report import Report, Stalled, Waiting
from setops.reconcile.service.asked_before import asked_field, store_asked
from setops.reconcile.service.claim import refuse_anothers
from setops.reconcile.service.deletion import end
from setops.reconcile.service.placement import check_network, settle_in, where_to_keep
from setops.reconcile.service.rollback import forget_rollback
from setops.reconcile.service.secret import Held, held_credentials, publish, refuse_immutable
from setops.reconcile.service.target import target_of
from setops.reconcile.service.version_pin import forget_pin
from setops.reconcile.stage_around import is_deleting, stage_around

KEPT: Final = ("target", "adopted", "rolledBack", "versionPutBack")
"""The fields of the status that no observation changes. A rollback may write them at any time."""

_STALE: Final = 0.25
"""How old the observation of a ready Service may be, as a share of the drift interval. Many
Services then share one inventory."""


async def reconcile(context: Context, service: Object) -> Report | None:
    """Make the Service's resources at AWS what its spec says, step by step, and report on them."""
    drift = context.options.drift_interval
    try:
        if is_deleting(service):
            if await is_released(context, service):
                await context.cluster.remove_finalizer(service, FINALIZER)
            else:
                await end(context, service)
            return None
        return replace(await _keep(context, service), again=drift * (1 - _STALE))
    except AwsError as error:
        raise interruption(error, drift) from error


async def _keep(context: Context, service: Object) -> Report:
    metadata = service["metadata"]
    spec = context.memory.specs.of(service, ServiceSpec)
    around = stage_around(context, metadata["namespace"])
    _check(spec)
    refuse_anothers(context, service)
    where = where_to_keep(service, around)
    service = await context.cluster.add_finalizer(service, FINALIZER)
    service = await forget_rollback(context, service)
    service = await forget_pin(context, service, spec)
    service, where = await settle_in(context, service, spec, where)
    held = await held_credentials(context, service, around.names)
    target = replace(target_of(service, spec, where), credentials=held.credentials)
    is_ready = is_true(service.get("status"), ConditionType.READY, metadata["generation"])
    max_age = context.options.drift_interval * _STALE if is_ready else FRESH
    keeper = _Keeper(context, service, around.names, where, held, was_as_wanted=is_ready)
    settled = await converge.keep(context.aws, target, keeper, max_age)
    report = _report(context, service, spec, settled)
    if is_ready:
        # Not on the first pass: AWS may just have been asked for the upgrade.
        await forget_pin(context, service, spec, settled.observation.main.version)
    return report


@dataclass(frozen=True, slots=True)
class _Keeper:
    """What the loop needs while it makes a Service what its spec says."""

    context: Context
    service: Object
    stage: StageNames
    where: ServiceTarget
    held: Held
    was_as_wanted: bool

    async def before(self, act: Act) -> None:
        """Raises Waiting if the Service would be created in a network that is no longer current.

        Raises Stalled if the Secret doesn't take the credentials that would be made. Records an
        Event if something was changed at AWS of a Service that was as wanted.
        """
        if isinstance(act, Create):
            check_network(self.context, self.service, self.where)
        if isinstance(act, IssueCredentials):
            refuse_immutable(self.service, self.held)
        if self.was_as_wanted and act.drift:
            message = f"changed at AWS: {act.drift}; it is put right"
            reason = Reason.AWS_DRIFTED.value
            self.context.events.record(self.service, "Warning", reason, message)

    async def store(self, connection: Mapping[str, str]) -> None:
        await publish(self.context, self.service, self.stage, connection)

    async def keep_asked(self, asked: Sequence[Asking]) -> None:
        await store_asked(self.context, self.service, asked)


def _check(spec: ServiceSpec) -> None:
    """Raises Stalled for a spec that isn't supported, or that AWS would refuse."""
    problems = problems_by_type(spec)
    if problems:
        unsupported = any(problem.code is Code.CURRENTLY_NOT_SUPPORTED for problem in problems)
        raise Stalled(
            Reason.CURRENTLY_NOT_SUPPORTED if unsupported else Reason.VALIDATION_FAILED,
            "; ".join(problem.message for problem in problems),
        )


def _report(context: Context, service: Object, spec: ServiceSpec, settled: Settled) -> Report:
    """The report: ready, or stalled but usable. Raises Waiting or Stalled in every other case."""
    main, product = settled.observation.main, TYPES[spec.type].product
    seen = {**_seen(settled.observation), "asked": asked_field(context.aws.asked(settled.target))}
    match settled.end:
        case Done():
            note = f"; {main.note}" if main.note else ""
            message = f"{product}: {main.state}{note}"
            return Report("ready", Reason.READY, message, _status(service, seen), keeps=KEPT)
        case Refuse(differences):
            message = "; ".join(f"{item.path}: {item.refusal}" for item in differences)
            status = _status(service, seen)
            return Report("stalled", Reason.VALIDATION_FAILED, message, status, keeps=KEPT)
        case Wait(state):
            raise Waiting(Reason.AWS_WAITING, f"{product}: {state}", again=SOON, status=seen)
        case Foreign(resources):
            raise ConflictError(", ".join(resources))
        case Failed(state, remedy):
            drift = context.options.drift_interval
            message = f"{product}: {state}; {remedy}"
            raise Stalled(Reason.AWS_REFUSED, message, again=drift, status=seen)


def _seen(observation: Observation) -> dict[str, Any]:
    """The fields of the status that come from an observation."""
    main = observation.main
    return {
        "state": main.state,
        "arn": main.arn or None,
        "endpoint": main.endpoint or None,
        "ids": dict(observation.ids),
    }


def _status(service: Object, seen: Mapping[str, Any]) -> dict[str, Any]:
    """The status of a Service whose Secret is published."""
    return {**seen, "secret": secret_name(service["metadata"]["name"])}
