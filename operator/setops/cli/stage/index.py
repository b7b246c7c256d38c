"""`stage`: the Stages of a Project."""

from __future__ import annotations

from setops.api.kinds import STAGE, Object
from setops.cli.base.call import Call
from setops.cli.base.view import listing, show, state


def run(call: Call) -> int:
    """List the Stages of a Project."""
    session = call.session
    project = session.project()
    home = session.home(project)
    return show(
        call,
        lambda: session.cluster.list(STAGE, home),
        lambda found: listing(
            ("Name", "Revision", "Apps", "Services", "Status"),
            [(each["metadata"]["name"], *counts(each), state(each)) for each in found],
            f"Project {project} has no Stage yet; create one: "
            f"setops --project {project} stage:create NAME",
        ),
        list,
    )


def counts(stage: Object) -> tuple[object, str, str]:
    """Revision, ready Apps and ready Services of a Stage."""
    status = stage.get("status") or {}
    return (
        status.get("revision") or 0,
        f"{status.get('readyApps') or 0} of {status.get('apps') or 0} ready",
        f"{status.get('readyServices') or 0} of {status.get('services') or 0} ready",
    )
