"""`changeset`: the Changesets of the Stage that are open or running, of all users."""

from __future__ import annotations

from setops.cli.base import output
from setops.cli.base.call import Call
from setops.cli.base.terminal import echo, table
from setops.cli.changeset import draft, report


def run(call: Call) -> int:
    """List the Changesets that are open or running."""
    place = call.session.place()
    found = draft.unfinished(call.session)
    if call.format != "table":
        output.write(call.format, found)
        return 0
    if not found:
        echo(f"No Changeset is open on {place.project}/{place.stage}.")
        return 0
    rows = [
        (
            each["metadata"]["name"],
            each["spec"].get("user", ""),
            report.phase_text(each),
            len(each["spec"].get("commands") or ()),
            report.message_of(each),
        )
        for each in found
    ]
    echo(table(("Name", "User", "Phase", "Commands", "Says"), rows))
    return 0
