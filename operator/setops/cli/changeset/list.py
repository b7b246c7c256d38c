"""`changeset:list`: the revisions of the Stage."""

from __future__ import annotations

from setops.cli.base import output
from setops.cli.base.call import Call
from setops.cli.base.terminal import echo, table
from setops.cli.changeset.revisions import all_of


def run(call: Call) -> int:
    """List the revisions, the newest first."""
    found = all_of(call.session)[::-1]
    if call.format != "table":
        output.write(call.format, [each.resource for each in found])
        return 0
    if not found:
        echo("The Stage has no revision yet.")
        return 0
    rows = [(each.number, each.time, each.author, each.changeset, each.message) for each in found]
    echo(table(("Revision", "Time", "By", "Changeset", "Message"), rows))
    return 0
