"""`changeset:undo`: drops the last staged commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from setops.api.errors import Code, ProblemsError, Validator
from setops.api.kinds import Object
from setops.cli.base.call import Call
from setops.cli.base.problems import failure
from setops.cli.base.terminal import echo, one_line
from setops.cli.changeset import draft, staging


def run(call: Call) -> int:
    """Drop the last N commands. With its last command the Changeset is discarded."""
    session, count = call.session, call.number(0, 1)
    if count == 0:
        raise _wrong_count(
            "0 commands to undo; write how many: setops changeset:undo 2",
            Validator.GREATER_THAN_OR_EQUAL,
        )
    dropped: list[str] = []

    def change(changeset: Object | None) -> dict[str, Any]:
        if changeset is None:
            draft.nothing_staged(session)
        commands = list(draft.commands_of(changeset))
        _check_enough(changeset, commands, count)
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


def _check_enough(changeset: Object, commands: Sequence[str], count: int) -> None:
    if not commands and changeset["spec"].get("definition") is not None:
        raise _wrong_count(
            "what is staged is a definition, not commands; drop it whole: setops changeset:discard"
        )
    if count > len(commands):
        raise _wrong_count(
            f"there are {len(commands)} staged commands, so {count} can't be undone; "
            "setops changeset:discard drops all"
        )


def _wrong_count(
    message: str, validator: Validator = Validator.LESS_THAN_OR_EQUAL
) -> ProblemsError:
    return failure(Code.VALIDATION_FAILED, message, validator, "N")
