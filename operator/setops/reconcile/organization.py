"""Organizations: whether their AWS account answers. Deletion waits for their Projects to go."""

from __future__ import annotations

from setops.api.conditions import ConditionType, Reason, condition, find
from setops.api.errors import enumerated
from setops.api.kinds import PROJECT, Object
from setops.api.names import FINALIZER
from setops.api.organization import OrganizationSpec
from setops.aws.errors import AwsError
from setops.reconcile import leftovers, reach
from setops.reconcile.aws import account_of, interruption
from setops.reconcile.context import Context
from setops.reconcile.released import is_released
from setops.reconcile.report import Report, Requeue, Waiting
from setops.reconcile.stage_around import is_deleting


async def reconcile(context: Context, organization: Object) -> Report | Requeue | None:
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
        if projects and not await is_released(context, organization):
            raise Waiting(
                Reason.DELETING,
                f"still hosts {_named(projects)}; delete them first",
                status=status,
            )
        await cluster.remove_finalizer(organization, FINALIZER)
        reach.forget(context, metadata["uid"])
        leftovers.forget(context, metadata["uid"])
        return None
    await cluster.add_finalizer(organization, FINALIZER)
    aws = context.memory.specs.of(organization, OrganizationSpec).aws
    known = await reach.look(context, metadata["uid"], metadata["generation"], aws)
    account = f"AWS account {aws.account_id}, {aws.region}"
    again = reach.again(context, known)
    if not known.answered:
        if _is_told(organization):
            return Requeue(again)  # after a restart, the status stays until there is an answer
        asked = f"asks whether {account} can be reached"
        return Report("reconciling", Reason.PROGRESSING, asked, status, again)
    generation = metadata["generation"]
    if known.error is None:
        hosted = f"hosts {_named(projects)}" if projects else "hosts no Project yet"
        left = await leftovers.look(context, organization, account_of(aws))
        message = f"{account} can be reached" + (f"; {left}" if left else "")
        reachable = condition(
            ConditionType.REACHABLE, True, Reason.AWS_REACHABLE, message, generation
        )
        return Report("ready", Reason.READY, hosted, status, again, (reachable,))
    meant, message = interruption(known.error, again), _with_code(known.error)
    reachable = condition(ConditionType.REACHABLE, False, meant.reason, message, generation)
    return Report(meant.shape, meant.reason, message, status, again, (reachable,))


def _is_told(organization: Object) -> bool:
    said = find(organization.get("status"), ConditionType.REACHABLE)
    generation = organization["metadata"]["generation"]
    return said is not None and said["observedGeneration"] == generation


def _with_code(error: AwsError) -> str:
    """What AWS said, with its error code."""
    return error.message if error.code in error.message else f"{error.code}: {error.message}"


def _named(projects: list[str]) -> str:
    shown = enumerated(projects, 5)
    return f"{len(projects)} Project{'s' if len(projects) != 1 else ''} ({shown})"
