"""`organization:switch`: which Organization new Projects are created in."""

from __future__ import annotations

from dataclasses import replace

from setops.cli.call import Call
from setops.cli.projects import require_organization
from setops.cli.settings import save, settings
from setops.cli.terminal import echo


def switch(call: Call) -> int:
    """Remember an Organization."""
    (name,) = call.arguments
    require_organization(call.session, name)
    save(replace(settings(), organization=name))
    echo(f"New Projects are created in Organization {name} from now on.")
    return 0
