"""Stages commands of the language: checks them at once, then adds them to the user's Changeset."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from setops.api.errors import Problem, ProblemsError
from setops.api.kinds import Object
from setops.cli.base.session import Session
from setops.cli.base.terminal import echo, one_line
from setops.cli.changeset import draft, preview
from setops.language.command import INNER, Level
from setops.language.parse import parse
from setops.language.table import FORMS

_SHOWN: Final = 20
"""The most staged commands to show. If there are more, the last ones are shown."""


def stage(session: Session, words: Sequence[str]) -> int:
    """Stage one command, given in words. If it raises ProblemsError, nothing was staged."""
    line = _line(session, words)
    for level in (Level.PROJECT, Level.STAGE):
        session.require(level)
    changed = add(session, [line])
    commands = draft.commands_of(changed)
    echo(f"Staged: {one_line(line)}")
    echo("")
    show(session, commands)
    return 0


def add(session: Session, lines: Sequence[str], **fields: Any) -> Object:
    """Add commands to the Changeset, unless they bring new problems."""

    def change(changeset: Object | None) -> dict[str, Any]:
        before = draft.commands_of(changeset)
        spec = {**(changeset or {"spec": {}})["spec"], **fields, "commands": [*before, *lines]}
        on = preview.basis(session, changeset)
        found = preview.problems(on, spec)
        if found:
            known = preview.problems(on, {**spec, "commands": list(before)}) if before else ()
            new = [problem for problem in found if problem not in known]
            if new:
                raise ProblemsError(_own_first(new, len(before)))
        return {"commands": spec["commands"], **fields}

    return draft.edit(session, change)


def show(session: Session, commands: Sequence[str]) -> None:
    """Show what is staged now."""
    place = session.place()
    count = "1 command" if len(commands) == 1 else f"{len(commands)} commands"
    echo(f"Changeset of {session.user} on {place.project}/{place.stage}, {count}:")
    hidden = max(0, len(commands) - _SHOWN)
    if hidden:
        echo(f"       … {hidden} before these")
    for number, line in enumerate(commands[hidden:], start=hidden + 1):
        echo(f"  {number:>4}  {one_line(line)}")
    echo("To carry it out: setops changeset:commit")


def _line(session: Session, words: Sequence[str]) -> str:
    """The command as it was typed, after its scope flags. Raises ProblemsError."""
    scope = [word for level in INNER for word in _named(level, session.scope.flag(level))]
    line = shlex.join([*scope, *words])
    try:
        parse(line)
    except ProblemsError:
        # The language reports what is missing, but only the cluster knows what exists.
        forms = FORMS[words[0]]
        for level in (Level.APP, Level.SERVICE):
            if level in forms[0].scopes and not session.scope.flag(level):
                session.require(level)
        raise
    return line


def _named(level: Level, name: str | None) -> Sequence[str]:
    if name is None:
        return ()
    return (f"--{level}={name}",) if name.startswith("-") else (f"--{level}", name)


def _own_first(problems: Sequence[Problem], own: int) -> Sequence[Problem]:
    """The problems of the new commands. If only others have problems, the new ones are blamed."""
    mine = [problem for problem in problems if problem.command is None or problem.command >= own]
    return mine or [replace(problem, command=own) for problem in problems]
