"""`changeset:info`: the open Changeset, or the one whose commit is running."""

from __future__ import annotations

from setops.cli.base import output
from setops.cli.base.call import Call
from setops.cli.changeset import draft, report


def run(call: Call) -> int:
    """Show the open Changeset, else the one whose commit is running."""
    session = call.session
    found = draft.mine(session)
    changeset = found.open or found.running or draft.nothing_staged(session)
    if call.format != "table":
        output.write(call.format, changeset)
        return 0
    report.tell(session, report.of(session, changeset))
    return 0
