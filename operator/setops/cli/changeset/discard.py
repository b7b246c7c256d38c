"""`changeset:discard`: discards the open Changeset, or cancels the commit that is running."""

from __future__ import annotations

from setops.api.changeset import Phase, phase_of
from setops.api.errors import Code
from setops.cli.base.call import Call
from setops.cli.base.problems import failure
from setops.cli.base.terminal import echo
from setops.cli.changeset import draft, report
from setops.cli.changeset.follow import until_ended


def run(call: Call) -> int:
    """Discard the open Changeset, or cancel the commit that is running."""
    session = call.session
    found = draft.mine(session)
    changeset = found.open or found.running or draft.nothing_staged(session)
    changed = draft.throw_away(session, changeset)
    if found.open is not None:
        echo(f"Discarded {draft.content_text(changeset)}; nothing was changed.")
        return 0
    ended = until_ended(session, changed)
    phase = phase_of(ended)
    if phase is Phase.COMMITTED:
        raise failure(
            Code.CHANGESET_LOCKED,
            "too late: the commit was past the point of no return, and is done",
        )
    echo(f"Cancelled: {report.message_of(ended)}")
    return 0
