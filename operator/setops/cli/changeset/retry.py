"""`changeset:retry`: stages the content of a failed commit again."""

from __future__ import annotations

from typing import Final

from setops.api.changeset import Phase, phase_of
from setops.api.errors import Code, Validator
from setops.cli.base.call import Call
from setops.cli.base.problems import failure
from setops.cli.base.terminal import echo
from setops.cli.changeset import draft, staging

_CONTENT: Final = ("commands", "definition", "prune", "keepImages", "message")


def run(call: Call) -> int:
    """Create a Changeset with the content of the user's last one, if that has failed."""
    session = call.session
    finished = draft.finished(session)
    last = finished[-1] if finished else None
    if last is None or phase_of(last) is not Phase.FAILED:
        raise failure(
            Code.CHANGESET_DOES_NOT_EXIST,
            "your last Changeset here hasn't failed, so there is nothing to stage again",
            Validator.NOT_FOUND,
        )
    content = {name: last["spec"][name] for name in _CONTENT if last["spec"].get(name)}
    changed = draft.begin(session, content)
    echo(f"Staged again from {last['metadata']['name']}; correct it with changeset:undo.")
    echo("")
    staging.show(session, draft.commands_of(changed))
    return 0
