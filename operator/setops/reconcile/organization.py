"""Organizations: whether their AWS account answers, and an end that waits for their Projects."""

from __future__ import annotations

from dataclasses import dataclass

from setops.api.conditions import ConditionType, Reason, condition, find
from setops.api.kinds import PROJECT, Object
from setops.api.names import FINALIZER
from setops.api.organization import OrganizationSpec
from setops.aws.errors import AwsError, StalledError, UnreachableError
from setops.reconcile import reach
from setops.reconcile.context import Context
from setops.reconcile.places import is_deleting
from setops.reconcile.report import Later, Report, Waiting


async def reconcile(context: Context, organization: Object) -> Report | Later | None:
    """Report the Organization's Projects and its account; let it go when there are none."""
    cluster = context.cluster
    metadata = organization["metadata"]
    projects = sorted(
        project["metadata"]["name"]
        for project in cluster.list(PROJECT)
        if project["spec"]["organization"] == metadata["name"]
    )
    status = {"projects": len(projects)}
    if is_deleting(organization):
        if projects:
            raise Waiting(
                Reason.DELETING,
                f"still hosts {_named(projects)}; delete them first",
                status=status,
            )
        await cluster.remove_finalizer(organization, FINALIZER)
        reach.forget(context, metadata["uid"])
        return None
    await cluster.add_finalizer(organization, FINALIZER)
    aws = OrganizationSpec.model_validate(organization["spec"]).aws
    known = await reach.look(context, metadata["uid"], metadata["generation"], aws)
    account = f"AWS account {aws.account_id}, {aws.region}"
    again = reach.again(context, known)
    if not known.answered:
        if _is_told(organization):
            return Later(again)  # after a restart, what was said stands until there is an answer
        asked = f"asks whether {account} can be reached"
        return Report("reconciling", Reason.PROGRESSING, asked, status, again)
    stand = _stand(known.error, account)
    reachable = condition(
        ConditionType.REACHABLE,
        known.error is None,
        stand.reason,
        stand.message,
        metadata["generation"],
    )
    if known.error is None:
        hosted = f"hosts {_named(projects)}" if projects else "hosts no Project yet"
        return Report("ready", Reason.READY, hosted, status, again, (reachable,))
    return Report(stand.shape, stand.reason, stand.message, status, again, (reachable,))


def _is_told(organization: Object) -> bool:
    said = find(organization.get("status"), ConditionType.REACHABLE)
    generation = organization["metadata"]["generation"]
    return said is not None and said["observedGeneration"] == generation


@dataclass(frozen=True, slots=True)
class _Stand:
    shape: str
    reason: Reason
    message: str


def _stand(error: AwsError | None, account: str) -> _Stand:
    """What an answer of AWS, or the lack of one, means for the Organization."""
    if error is None:
        return _Stand("ready", Reason.AWS_REACHABLE, f"{account} can be reached")
    told = error.message if error.code in error.message else f"{error.code}: {error.message}"
    match error:
        case StalledError():
            return _Stand("stalled", Reason.AWS_REFUSED, told)
        case UnreachableError():
            return _Stand("reconciling", Reason.AWS_UNREACHABLE, told)
        case _:
            return _Stand("reconciling", Reason.AWS_WAITING, told)


def _named(projects: list[str]) -> str:
    shown = ", ".join(projects[:5]) + (", …" if len(projects) > 5 else "")
    return f"{len(projects)} Project{'s' if len(projects) != 1 else ''} ({shown})"
