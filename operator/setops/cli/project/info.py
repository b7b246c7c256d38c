"""`project:info`: one Project."""

from __future__ import annotations

from setops.api.kinds import PROJECT, STAGE, Object
from setops.cli.base.call import Call
from setops.cli.base.terminal import block
from setops.cli.base.view import created, ready, show, state
from setops.language.command import Level


def run(call: Call) -> int:
    """Show one Project."""
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
