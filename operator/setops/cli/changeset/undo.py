"""`changeset:undo`: drops the last staged commands."""

from __future__ import annotations

from typing import Any

from setops.api.errors import Code, Validator
from setops.api.kinds import Object
from setops.cli.base.call import Call
from setops.cli.base.problems import failure
from setops.cli.base.terminal import echo, one_line
from setops.cli.changeset import draft, staging


def run(call: Call) -> int:
    """Drop the last N commands; the Changeset goes with its last one."""
    session, count = call.session, call.number(0, 1)
    if count == 0:
        raise failure(
            Code.VALIDATION_FAILED,
            "0 commands to undo; write how many: setops changeset:undo 2",
            Validator.GREATER_THAN_OR_EQUAL,
            "N",
        )
    dropped: list[str] = []

    def change(changeset: Object | None) -> dict[str, Any]:
        commands = list(draft.commands_of(changeset))
        if changeset is None:
            draft.nothing_staged(session)
        if not commands and changeset["spec"].get("definition") is not None:
            raise failure(
                Code.VALIDATION_FAILED,
                "what is staged is a definition, not commands; drop it whole: "
                "setops changeset:discard",
                Validator.LESS_THAN_OR_EQUAL,
                "N",
            )
        if count > len(commands):
            raise failure(
                Code.VALIDATION_FAILED,
                f"there are {len(commands)} staged commands, so {count} can't be undone; "
                "setops changeset:discard drops all",
                Validator.LESS_THAN_OR_EQUAL,
                "N",
            )
        dropped[:] = commands[len(commands) - count :]
        return {"commands": commands[: len(commands) - count]}

    changed = draft.edit(session, change)
    for line in dropped:
        echo(f"Dropped: {one_line(line)}")
    left = draft.commands_of(changed)
    echo("")
    if left or changed["spec"].get("definition") is not None:
        staging.show(session, left)
        return 0
    draft.throw_away(session, changed)
    echo("Nothing is staged any more.")
    return 0
