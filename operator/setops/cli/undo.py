"""`changeset:undo`: drops the last staged commands."""

from __future__ import annotations

from typing import Any

from setops.api.errors import Code, Validator
from setops.api.kinds import Object
from setops.cli import changesets, commit, staging
from setops.cli.call import Call
from setops.cli.problems import failure
from setops.cli.terminal import echo, one_line


def undo(call: Call) -> int:
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
        commands = list(changesets.commands_of(changeset))
        if changeset is None:
            changesets.nothing_staged(session)
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

    changed = changesets.edit(session, change)
    for line in dropped:
        echo(f"Dropped: {one_line(line)}")
    left = changesets.commands_of(changed)
    echo("")
    if left or changed["spec"].get("definition") is not None:
        staging.show(session, left)
        return 0
    commit.throw_away(session, changed)
    echo("Nothing is staged any more.")
    return 0
