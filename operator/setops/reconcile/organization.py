"""Organizations: counted, and held until their Projects are gone."""

from __future__ import annotations

from setops.api.conditions import Reason
from setops.api.kinds import PROJECT, Object
from setops.api.names import FINALIZER
from setops.reconcile.context import Context
from setops.reconcile.places import is_deleting
from setops.reconcile.report import Report, Waiting


async def reconcile(context: Context, organization: Object) -> Report | None:
    """Report the Organization's Projects; let it go when there are none."""
    cluster = context.cluster
    name = organization["metadata"]["name"]
    projects = sorted(
        project["metadata"]["name"]
        for project in cluster.list(PROJECT)
        if project["spec"]["organization"] == name
    )
    if is_deleting(organization):
        if projects:
            raise Waiting(
                Reason.DELETING,
                f"still hosts {_named(projects)}; delete them first",
                status={"projects": len(projects)},
            )
        await cluster.remove_finalizer(organization, FINALIZER)
        return None
    await cluster.add_finalizer(organization, FINALIZER)
    hosted = f"hosts {_named(projects)}" if projects else "hosts no Project yet"
    return Report("ready", Reason.READY, hosted, {"projects": len(projects)})


def _named(projects: list[str]) -> str:
    shown = ", ".join(projects[:5]) + (", …" if len(projects) > 5 else "")
    return f"{len(projects)} Project{'s' if len(projects) != 1 else ''} ({shown})"
