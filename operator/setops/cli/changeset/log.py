"""Show the newest revisions with what each one changed."""

from __future__ import annotations

from setops.api.definition import StageDefinition
from setops.cli.base.call import Call
from setops.cli.base.terminal import block, bold, echo
from setops.cli.changeset.revisions import all_of, difference_text

_LOGGED = 10


def run(call: Call) -> int:
    """`changeset:log`: each revision with what it changed."""
    found = all_of(call.session)
    count = int(call.flags.get("number") or _LOGGED)
    for position in range(len(found) - 1, max(-1, len(found) - 1 - count), -1):
        each = found[position]
        rows: list[tuple[str, object]] = [
            ("Time", each.time),
            ("By", each.author),
            ("Changeset", each.changeset),
            ("Message", each.message),
        ]
        echo(bold(f"Revision {each.number}"))
        echo(block((name, value) for name, value in rows if value) + "\n")
        if position > 0:
            _tell_gap(found[position - 1].number, each.number)
            echo(difference_text(found[position - 1].definition, each.definition))
        elif each.number == 1:
            echo(difference_text(StageDefinition(), each.definition))
        else:
            echo("(what it changed is unknown: the revision before it is gone)")
        echo("")
    if not found:
        echo("The Stage has no revision yet.")
    return 0


def _tell_gap(before: int, number: int) -> None:
    """Say that a difference is more than one revision's."""
    if before + 1 < number:
        echo(f"Since revision {before}; those between are no longer kept:")
