"""`organization:info`: account, region, domain and registry of an Organization."""

from __future__ import annotations

from setops.api.kinds import PROJECT, Object
from setops.cli.base.call import Call
from setops.cli.base.settings import settings
from setops.cli.base.terminal import block
from setops.cli.base.view import show, state
from setops.cli.organization import find
from setops.language.command import Level


def run(call: Call) -> int:
    """Show the Project's Organization, else the chosen one, else the only one."""
    return show(call, lambda: _read(call), _draw, lambda found: found)


def _read(call: Call) -> Object:
    session = call.session
    name = settings().organization
    project = session.scope.get(Level.PROJECT)
    if project:
        found = session.cluster.find(PROJECT, "", project)
        name = str(found["spec"]["organization"]) if found else name
    return find.named(session, name or find.only(session))


def _draw(found: Object) -> str:
    spec, aws = found["spec"], found["spec"]["aws"]
    known = {
        "Name": found["metadata"]["name"],
        "AWS account": aws["accountId"],
        "Region": aws["region"],
        "Domain": spec["domain"],
        "Registry": spec.get("registry", ""),
        "Admins": ", ".join(spec.get("admins") or ()),
        "Projects": (found.get("status") or {}).get("projects", ""),
        "Status": state(found),
    }
    return block((name, value) for name, value in known.items() if value != "")
