"""Services: what stands behind them at AWS, and the Secret that linked Apps read."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from setops.api import names
from setops.api.catalogue import TYPES, check_options, check_policy
from setops.api.conditions import ConditionType, Reason, is_true
from setops.api.errors import Code
from setops.api.kinds import APP, SECRET, SERVICE, Key, Object
from setops.api.names import FINALIZER
from setops.api.organization import OrganizationNetwork
from setops.api.put_back import PutBack
from setops.api.service import ServiceSpec, ServiceTarget
from setops.api.service_type import DeletionPolicy
from setops.aws.decide import (
    Action,
    Conflict,
    Create,
    Done,
    Failed,
    IssueCredentials,
    Refuse,
    Release,
    Update,
    Wait,
    decide,
)
from setops.aws.errors import AwsError, ConflictError
from setops.aws.product import Observation, Presence
from setops.aws.products import product
from setops.aws.surveys import FRESH
from setops.aws.target import Identity, Network, Target
from setops.desired.metadata import Owner, StageNames, manifest
from setops.reconcile.aws import SOON, account_of, interruption
from setops.reconcile.children import apply_own, refuse_foreign
from setops.reconcile.context import Context
from setops.reconcile.places import StagePlace, is_deleting, stage_around
from setops.reconcile.report import Interruption, Report, Stalled, Waiting

_LIFE: Final = 8
"""Characters of the uid that tell a Service from an earlier one of its name."""

_STALE: Final = 0.25
"""Share of the drift interval by which what is seen of a ready Service may be old, so that many
Services have one look at AWS together."""

STEPS: Final = 8
"""Actions in one reconciliation; more would mean that what was done doesn't show."""


def secret_name(service: str) -> str:
    """The Secret of a Service; prefixed, so that it doesn't take a name a user would choose."""
    return f"service-{service}"


async def reconcile(context: Context, service: Object) -> Report | None:
    """Bring what stands at AWS to what the spec says, step by step, and report it."""
    drift = context.options.drift_interval
    try:
        if is_deleting(service):
            await _end(context, service)
            return None
        return replace(await _keep(context, service), again=drift * (1 - _STALE))
    except AwsError as error:
        raise interruption(error, drift) from error


@dataclass(frozen=True, slots=True)
class _Work:
    """A Service under reconciliation, and what is to be reached."""

    service: Object
    target: Target

    @property
    def secret(self) -> Key:
        metadata = self.service["metadata"]
        return Key(SECRET, metadata["namespace"], secret_name(metadata["name"]))


async def _keep(context: Context, service: Object) -> Report:
    metadata = service["metadata"]
    drift = context.options.drift_interval
    spec = ServiceSpec.model_validate(service["spec"])
    around = stage_around(context, metadata["namespace"])
    _check(spec)
    where = _where(service, around)
    service = await context.cluster.add_finalizer(service, FINALIZER)
    service = await _forget_put_back(context, service, spec)
    service = await _remember(context, service, spec, where)
    where = ServiceTarget.model_validate(service["status"]["target"])
    work = _Work(service, _target(service, spec, where))
    work = replace(work, target=await _with_credentials(context, work, around.names))
    is_ready = is_true(service.get("status"), ConditionType.READY, metadata["generation"])
    max_age = drift * _STALE if is_ready else FRESH
    for _ in range(STEPS):
        observation = await context.aws.observe(work.target, max_age)
        action = decide(observation, work.target.deletion_policy, deleting=False)
        match action:
            case Done() | Refuse():
                published = await _publish_secret(context, work, observation, around.names)
                if is_ready:
                    # Not at the first look, when AWS may just have been told of the upgrade.
                    await _forget_put_back(context, service, spec, observation)
                return _report(work, observation, action, published)
            case Wait(state):
                raise Waiting(
                    Reason.AWS_WAITING,
                    f"{TYPES[spec.type].product}: {state}",
                    again=SOON,
                    status=_seen(observation),
                )
            case Conflict(resources):
                raise ConflictError(", ".join(resources))
            case Failed(state, remedy):
                raise Stalled(
                    Reason.AWS_REFUSED,
                    f"{TYPES[spec.type].product}: {state}; {remedy}",
                    again=drift,
                    status=_seen(observation),
                )
            case IssueCredentials():
                issued = await context.aws.perform(work.target, observation, action)
                target = replace(work.target, credentials={**work.target.credentials, **issued})
                work = replace(work, target=target)
                # At once: what AWS issued is known nowhere else.
                await _publish_secret(context, work, observation, around.names)
            case _:
                if isinstance(action, Create):
                    _check_network(context, service, where)
                _tell_drift(context, service, action)
                await context.aws.perform(work.target, observation, action)
    raise Waiting(Reason.AWS_WAITING, "AWS doesn't show yet what was done", again=SOON)


def _check_network(context: Context, service: Object, chosen: ServiceTarget) -> None:
    """Raises Waiting when the Organization's network was put right since the Service's was chosen:
    what is made in one stays there."""
    now = _where(service, stage_around(context, service["metadata"]["namespace"])).network
    if now is None or now.vpc_id is None or chosen.network is None:
        return
    if (now.vpc_id, now.private_subnet_ids) != (
        chosen.network.vpc_id,
        chosen.network.private_subnet_ids,
    ):
        told = "the Organization's network has changed; the Service is made in that"
        raise Waiting(Reason.AWS_WAITING, told, again=0.0)


def _tell_drift(context: Context, service: Object, action: Action) -> None:
    """Say what has changed at AWS of a Service that was as its spec wants it."""
    generation = service["metadata"].get("generation", 1)
    if not is_true(service.get("status"), ConditionType.READY, generation):
        return
    match action:
        case Update(differences):
            told = "; ".join(f"{one.path} is {one.actual}, not {one.wanted}" for one in differences)
        case Create():
            told = "something of it is gone"
        case _:
            return
    message = f"changed at AWS: {told}; it is put right"
    context.events.record(service, "Warning", Reason.AWS_DRIFTED.value, message)


def _check(spec: ServiceSpec) -> None:
    """Raises Stalled for what this version can't build, or AWS would refuse."""
    options = spec.options.to_json() if spec.options else {}
    problems = check_options(spec.type, spec.version, spec.plan, options)
    if not problems and spec.deletion_policy is not None:
        problems = check_policy(spec.type, spec.deletion_policy)
    if problems:
        unsupported = any(problem.code is Code.CURRENTLY_NOT_SUPPORTED for problem in problems)
        raise Stalled(
            Reason.NOT_SUPPORTED if unsupported else Reason.SPEC_INVALID,
            "; ".join(problem.message for problem in problems),
        )


def _where(service: Object, around: StagePlace) -> ServiceTarget:
    """The account and identity: as remembered, with access as the Organization has it now.

    A Service stays in its account and region, and what is there at AWS in its network, whatever
    the Organization says later.
    """
    status = service.get("status") or {}
    known = status.get("target")
    remembered = ServiceTarget.model_validate(known) if known else None
    organization = around.organization_spec
    if organization is None:
        if remembered is None:
            raise Waiting(
                Reason.ORGANIZATION_MISSING,
                f"waits for Organization {around.organization!r}, which names the AWS account",
            )
        return remembered
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
    if remembered is None:
        return current
    if (remembered.account_id, remembered.region) != (current.account_id, current.region):
        return remembered
    return _stay(remembered, current) if status.get("arn") else current


def _stay(remembered: ServiceTarget, current: ServiceTarget) -> ServiceTarget:
    """As it is now, in the network where it was made; who may reach it is also as it is now."""
    there, here = remembered.network, current.network
    if there is None or there.vpc_id is None:
        return current
    groups = here.security_group_ids if here else there.security_group_ids
    network = there.model_copy(update={"security_group_ids": groups})
    return current.model_copy(update={"network": network})


async def _remember(
    context: Context, service: Object, spec: ServiceSpec, where: ServiceTarget
) -> Object:
    """Store where the Service is made, and what was there, before anything is made there."""
    status = service.get("status") or {}
    if "target" not in status:
        found = await context.aws.observe(_target(service, spec, where))
        status = {**status, "adopted": found.presence is not Presence.ABSENT or None}
    else:
        remembered = ServiceTarget.model_validate(status["target"])
        where = await _move(context, service, spec, remembered, where)
    return await context.cluster.swap_status(service, {**status, "target": where.to_json()})


async def _move(
    context: Context,
    service: Object,
    spec: ServiceSpec,
    remembered: ServiceTarget,
    where: ServiceTarget,
) -> ServiceTarget:
    """Where it is made after all, when the network was another at first: somebody put it right.

    What was begun in the first one goes, unless the Service itself is there by now.
    """
    target, then = _target(service, spec, remembered), _target(service, spec, where)
    if not target.network.vpc_id or target.network.place == then.network.place:
        return where
    found = await context.aws.observe(target)
    if found.presence is Presence.PRESENT or not then.network.vpc_id:
        return _stay(remembered, where)
    if found.presence is Presence.PARTIAL:
        await context.aws.perform(target, found, Release())
    return where


def _target(service: Object, spec: ServiceSpec, where: ServiceTarget) -> Target:
    network = where.network or OrganizationNetwork()
    put_back = _put_back(service)
    return Target(
        account=account_of(where),
        identity=Identity(
            where.organization, where.project, where.stage, service["metadata"]["name"]
        ),
        type=spec.type,
        version=spec.version,
        plan=spec.plan,
        options=spec.options.to_json() if spec.options else {},
        deletion_policy=_policy(spec),
        backup_retention_days=spec.backup_retention_days,
        network=Network(
            network.vpc_id or "",
            tuple(network.private_subnet_ids or ()),
            tuple(network.security_group_ids or ()),
        ),
        life=service["metadata"]["uid"][:_LIFE],
        was_ready=bool((service.get("status") or {}).get("secret")),
        put_back=put_back if put_back and put_back.version == spec.version else None,
    )


def _put_back(service: Object) -> PutBack | None:
    notes = service["metadata"].get("annotations") or {}
    return PutBack.parse(notes.get(names.ANNOTATION_VERSION_PUT_BACK, ""))


async def _forget_put_back(
    context: Context, service: Object, spec: ServiceSpec, seen: Observation | None = None
) -> Object:
    """Take away the note of a rollback that doesn't hold any more: another version is wanted since
    then, or it is `seen` that AWS never brought in the one that was taken back."""
    put_back = _put_back(service)
    if put_back is None:
        return service
    # Whichever version is wanted, it may be put back in its turn to that which was.
    if spec.version in (None, put_back.version) and (seen is None or put_back.covers(seen.version)):
        return service
    return await context.cluster.remove_annotation(service, names.ANNOTATION_VERSION_PUT_BACK)


def _policy(spec: ServiceSpec) -> DeletionPolicy:
    if spec.deletion_policy is not None:
        return DeletionPolicy(spec.deletion_policy)
    return TYPES[spec.type].default_policy


async def _with_credentials(context: Context, work: _Work, stage: StageNames) -> Target:
    """The Target with what the Secret holds, read from the API server and not the cache.

    Raises Stalled when a Secret of that name is somebody else's, and Waiting while one of an
    earlier Service is going.
    """
    secret = await context.cluster.fetch(work.secret)
    if secret is None:
        return work.target
    refuse_foreign(secret, _secret(work, stage, {}))
    data: Mapping[str, str] = secret.get("data") or {}
    held = {name: base64.b64decode(value).decode() for name, value in data.items()}
    return replace(work.target, credentials=held)


async def _publish_secret(
    context: Context, work: _Work, observation: Observation, stage: StageNames
) -> str:
    """Write the Secret that linked Apps read; its name. Raises as `apply_own` does."""
    connection = product(work.target.type).connection(work.target, observation)
    await apply_own(context.cluster, _secret(work, stage, connection))
    return work.secret.name


def _secret(work: _Work, stage: StageNames, connection: Mapping[str, str]) -> Object:
    metadata = work.service["metadata"]
    return manifest(
        SECRET,
        work.secret.name,
        stage,
        Owner(SERVICE, metadata["name"], metadata["uid"]),
        {names.LABEL_SERVICE: metadata["name"]},
        type="Opaque",
        data={
            name: base64.b64encode(value.encode()).decode() for name, value in connection.items()
        },
    )


def _seen(observation: Observation) -> dict[str, Any]:
    """What an observation tells for the status."""
    return {
        "state": observation.state,
        "arn": observation.arn or None,
        "endpoint": observation.endpoint or None,
    }


def _report(work: _Work, observation: Observation, action: Done | Refuse, secret: str) -> Report:
    known = work.service.get("status") or {}
    status = {
        **_seen(observation),
        "secret": secret,
        "target": known.get("target"),
        "adopted": known.get("adopted"),
    }
    if isinstance(action, Refuse):
        told = "; ".join(f"{item.path}: {item.refusal}" for item in action.differences)
        return Report("stalled", Reason.SPEC_INVALID, told, status)
    product_name = TYPES[work.target.type].product
    note = f"; {observation.note}" if observation.note else ""
    return Report("ready", Reason.READY, f"{product_name}: {observation.state}{note}", status)


async def _end(context: Context, service: Object) -> None:
    """Hold the Service while Apps link it, then do what its policy says, then let it go."""
    cluster = context.cluster
    metadata = service["metadata"]
    linking = _linking_apps(context, metadata["namespace"], metadata["name"])
    if linking:
        raise Waiting(
            Reason.SERVICE_LINKED,
            f"linked by {', '.join(linking)}; unlink it first "
            f"(--app {linking[0]} link:destroy {metadata['name']})",
        )
    remembered = (service.get("status") or {}).get("target")
    spec = ServiceSpec.model_validate(service["spec"])
    if remembered is not None:
        where = _where_to_delete(context, service, ServiceTarget.model_validate(remembered))
        target = _target(service, spec, where)
        if _is_taken_back(service):
            target = replace(target, deletion_policy=DeletionPolicy.DELETE)
        await _remove(context, _Work(service, target))
    await cluster.remove_finalizer(service, FINALIZER)


def _is_taken_back(service: Object) -> bool:
    """Whether all that stands at AWS was made by the commit that is being rolled back."""
    notes = service["metadata"].get("annotations") or ()
    adopted = (service.get("status") or {}).get("adopted", False)
    return names.ANNOTATION_ROLLED_BACK in notes and not adopted


def _where_to_delete(context: Context, service: Object, remembered: ServiceTarget) -> ServiceTarget:
    """As remembered; with access as the Organization has it now, if it can still be found."""
    try:
        where = _where(service, stage_around(context, service["metadata"]["namespace"]))
    except Interruption:
        return remembered
    return where.model_copy(update={"network": remembered.network})


def _linking_apps(context: Context, namespace: str, service: str) -> list[str]:
    return sorted(
        app["metadata"]["name"]
        for app in context.cluster.list(APP, namespace)
        if service in (app["spec"].get("links") or {}) and not is_deleting(app)
    )


async def _remove(context: Context, work: _Work) -> None:
    """Raises Waiting while AWS works on the deletion."""
    for _ in range(STEPS):
        observation = await context.aws.observe(work.target)
        action = decide(observation, work.target.deletion_policy, deleting=True)
        match action:
            case Done():
                context.aws.forget(work.target)
                return
            case Wait(reason):
                raise Waiting(
                    Reason.DELETING,
                    f"{TYPES[work.target.type].product}: {reason}",
                    again=SOON,
                    status={"state": observation.state},
                )
            case _:
                await context.aws.perform(work.target, observation, action)
    raise Waiting(Reason.DELETING, "AWS still shows what was deleted", again=SOON)
