"""`changeset:diff`: what differs between two revisions."""

from __future__ import annotations

from setops.cli.base.call import Call
from setops.cli.base.terminal import echo
from setops.cli.changeset import preview
from setops.cli.changeset.revisions import definition_at, difference_text


def run(call: Call) -> int:
    """Show what differs between two revisions, or between one and the Stage as it is."""
    session = call.session
    before = definition_at(session, call.number(0, 0))
    if len(call.arguments) > 1:
        after = definition_at(session, call.number(1, 0))
    else:
        after = preview.live(session)
    echo(difference_text(before, after))
    return 0
