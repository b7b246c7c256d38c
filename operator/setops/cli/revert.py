"""`changeset:revert`: drafts the Changeset that leads back to a revision."""

from __future__ import annotations

from setops.changes.diff import diff
from setops.cli import changesets, history, inspect, preview
from setops.cli.call import Call
from setops.cli.terminal import echo


def revert(call: Call) -> int:
    """Stage the whole definition of a revision; nothing else may be staged."""
    session, number = call.session, call.number(0, 0)
    target = history.definition_at(session, number)
    if not diff(preview.live(session), target):
        echo(f"The Stage is as it was at revision {number}; there is nothing to do.")
        return 0
    content = {
        "definition": target.to_json(),
        "prune": True,
        "message": f"Back to revision {number}",
    }
    changed = changesets.begin(session, content, ", which a revert would overwrite")
    inspect.tell_plan(inspect.shown(session, changed))
    echo("\nTo go back: setops changeset:commit; to stay: setops changeset:discard")
    return 0
