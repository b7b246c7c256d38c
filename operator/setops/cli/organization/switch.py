"""`organization:switch`: chooses the Organization for new Projects."""

from __future__ import annotations

from dataclasses import replace

from setops.cli.base.call import Call
from setops.cli.base.settings import save, settings
from setops.cli.base.terminal import echo
from setops.cli.organization import find


def run(call: Call) -> int:
    """Remember an Organization."""
    (name,) = call.arguments
    find.named(call.session, name)
    save(replace(settings(), organization=name))
    echo(f"New Projects are created in Organization {name} from now on.")
    return 0
