"""`project`, `project:info`."""

from __future__ import annotations

from setops.api.kinds import PROJECT, STAGE, Object
from setops.cli.call import Call
from setops.cli.read.common import created, listing, ready, show, state
from setops.cli.terminal import block
from setops.language.command import Level


def index(call: Call) -> int:
    """All Projects."""
    return show(
        call,
        lambda: call.session.cluster.list(PROJECT),
        lambda found: listing(
            ("Name", "Organization", "Stages", "Status"),
            [
                (
                    each["metadata"]["name"],
                    each["spec"]["organization"],
                    ", ".join((each.get("status") or {}).get("stages") or ()),
                    state(each),
                )
                for each in found
            ],
            "There is no Project yet; create one: setops project:create NAME",
        ),
        list,
    )


def info(call: Call) -> int:
    """One Project."""
    return show(call, lambda: _read(call), _draw, lambda found: found[0])


def _read(call: Call) -> tuple[Object, list[str]]:
    session = call.session
    name = call.name or session.require(Level.PROJECT)
    home = session.home(name)
    stages = [str(each["metadata"]["name"]) for each in session.cluster.list(STAGE, home)]
    return session.cluster.get(PROJECT, "", name), stages


def _draw(found: tuple[Object, list[str]]) -> str:
    project, stages = found
    members = project["spec"].get("members") or ()
    shown = state(project)
    rows = {
        "Name": project["metadata"]["name"],
        "Organization": project["spec"]["organization"],
        "Stages": ", ".join(stages) or "none",
        "Members": "\n".join(f"{each['user']} ({each.get('role', 'member')})" for each in members),
        "Created": created(project),
        "Status": shown if shown == "Ready" else f"{shown}: {ready(project)['message']}",
    }
    return block((name, value) for name, value in rows.items() if value)
