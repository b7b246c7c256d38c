"""`use`: the default Project and Stage of a directory."""

from __future__ import annotations

from pathlib import Path

from setops.api.errors import Code
from setops.cli.base import scope
from setops.cli.base.call import Call
from setops.cli.base.problems import failure
from setops.cli.base.terminal import block, echo
from setops.language.command import Level


def run(call: Call) -> int:
    """Set, show or remove the defaults of this directory."""
    given = {
        level: value
        for level in (Level.PROJECT, Level.STAGE)
        if (value := call.session.scope.flag(level))
    }
    directory = scope.here()
    if directory is None and (given or call.given("unset")):
        raise failure(
            Code.VALIDATION_FAILED,
            "the working directory doesn't exist any more, so it can't have a default; leave it",
        )
    if directory and call.given("unset"):
        _forget(directory / scope.FILE)
        echo("This directory has no default any more.")
        return 0
    if call.given("trust"):
        _trust()
    if directory and given:
        path = directory / scope.FILE
        scope.check_place(path)
        known = scope.read(path) if path.is_file() else {}
        # A Stage belongs to its Project, so a new Project makes the default Stage meaningless.
        same = given.get(Level.PROJECT) in (None, known.get(Level.PROJECT))
        scope.write(path, {**(known if same else {}), **given})
    path_found = scope.find()
    if path_found is None:
        echo("There is no default here; choose one: setops use -p PROJECT -s STAGE")
        return 0
    values = scope.read(path_found)
    echo(block([*((level.value.capitalize(), name) for level, name in values.items()),
                ("From", path_found)]))  # fmt: skip
    return 0


def _trust() -> None:
    path = scope.find()
    if path is None:
        raise failure(Code.VALIDATION_FAILED, "there is no default here that could be trusted")
    scope.trust(path)
    echo(f"{path} is followed from now on, whoever may write it.")


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise failure(
            Code.VALIDATION_FAILED, f"{path} can't be removed: {error.strerror}"
        ) from None
