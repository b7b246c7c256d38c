"""`changeset:revert`: drafts the Changeset that leads back to a revision."""

from __future__ import annotations

from setops.changes.diff import diff
from setops.cli.base.call import Call
from setops.cli.base.terminal import echo
from setops.cli.changeset import draft, preview, report, revisions


def run(call: Call) -> int:
    """Stage the whole definition of a revision; nothing else may be staged."""
    session, number = call.session, call.number(0, 0)
    target = revisions.definition_at(session, number)
    if not diff(preview.live(session), target):
        echo(f"The Stage is as it was at revision {number}; there is nothing to do.")
        return 0
    content = {
        "definition": target.to_json(),
        "prune": True,
        "message": f"Back to revision {number}",
    }
    changed = draft.begin(session, content, ", which a revert would overwrite")
    report.tell_plan(report.of(session, changed))
    echo("\nTo go back: setops changeset:commit; to stay: setops changeset:discard")
    return 0
