"""`stage`, `stage:info`."""

from __future__ import annotations

from setops.api.kinds import STAGE, Object
from setops.cli.call import Call
from setops.cli.read.common import created, listing, ready, show, state
from setops.cli.stages import at
from setops.cli.terminal import block
from setops.language.command import Level


def index(call: Call) -> int:
    """The Stages of a Project."""
    session = call.session
    project = session.project()
    home = session.home(project)
    return show(
        call,
        lambda: session.cluster.list(STAGE, home),
        lambda found: listing(
            ("Name", "Revision", "Apps", "Services", "Status"),
            [(each["metadata"]["name"], *_counts(each), state(each)) for each in found],
            f"Project {project} has no Stage yet; create one: "
            f"setops --project {project} stage:create NAME",
        ),
        list,
    )


def info(call: Call) -> int:
    """One Stage."""
    session = call.session
    name = call.name or session.require(Level.STAGE)
    place = at(session, name)

    def draw(stage: Object) -> str:
        spec, status = stage["spec"], stage.get("status") or {}
        lock = status.get("currentChangeset")
        revision, apps, services = _counts(stage)
        shown = state(stage)
        rows = {
            "Name": name,
            "Project": place.project,
            "Namespace": place.namespace,
            "Revision": revision,
            "Apps": apps,
            "Services": services,
            "Log retention": f"{spec.get('logRetentionDays', 14)} days",
            "Deletion protection": "on" if spec.get("deletionProtection") else "off",
            "Committing now": f"{lock['changeset']} of {lock.get('user')} since {lock['since']}"
            if lock
            else "",
            "Created": created(stage),
            "Status": shown if shown == "Ready" else f"{shown}: {ready(stage)['message']}",
        }
        return block((key, value) for key, value in rows.items() if value != "")

    return show(
        call, lambda: session.cluster.get(STAGE, place.home, name), draw, lambda found: found
    )


def _counts(stage: Object) -> tuple[object, str, str]:
    status = stage.get("status") or {}
    return (
        status.get("revision") or 0,
        f"{status.get('readyApps') or 0} of {status.get('apps') or 0} ready",
        f"{status.get('readyServices') or 0} of {status.get('services') or 0} ready",
    )
