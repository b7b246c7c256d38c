"""How the command line shows errors: a message, then category, code, check and field."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Final

from setops.api.errors import Code, Problem, ProblemsError, Validator
from setops.cli.base.terminal import clean

EXIT_ERROR: Final = 1
EXIT_NOTHING_STAGED: Final = 78
SHOWN: Final = 50
"""The most errors to show. If there are more, the first ones and the last one are shown."""


def failure(
    code: Code, message: str, validator: Validator = Validator.INVALID, field: str = ""
) -> ProblemsError:
    """An error to raise, with a single problem."""
    return ProblemsError([Problem(field, validator, message, code)])


def exit_code(problems: Iterable[Problem]) -> int:
    """The exit code for problems. Source of 78: the platform's exit codes."""
    if any(problem.code is Code.CHANGESET_DOES_NOT_EXIST for problem in problems):
        return EXIT_NOTHING_STAGED
    return EXIT_ERROR


def show(problems: Iterable[Problem]) -> None:
    """Write errors to standard error."""
    with contextlib.suppress(OSError):  # the exit code still tells
        _show(list(problems))


def _show(found: Sequence[Problem]) -> None:
    plain = not sys.stderr.isatty() or bool(os.environ.get("NO_COLOR"))
    red, dim, end = ("", "", "") if plain else ("\033[31m", "\033[2m", "\033[0m")
    # The last one says what became of the command as a whole.
    hidden = max(0, len(found) - SHOWN)
    for problem in [*found[: SHOWN - 1], *found[SHOWN - 1 + hidden :]]:
        print(f"{red}Error:{end} {clean(problem.message)}", file=sys.stderr)
        print(f"  {dim}{clean(place(problem))}{end}", file=sys.stderr)
    if hidden:
        print(f"… and {hidden} more errors", file=sys.stderr)


def place(problem: Problem) -> str:
    """Category, code, check and field, separated by dots."""
    said: list[str] = [problem.category.value, problem.code.value]
    if problem.code in _WITH_CHECK:
        said.append(problem.validator.value)
    if problem.command is not None:
        said.append(f"commands[{problem.command}]")
    if problem.field:
        said.append(problem.field)
    return " · ".join(said)


_WITHOUT_CHECK: Final = frozenset(
    {
        Code.SESSION_INVALID,
        Code.CREDENTIALS_INVALID,
        Code.INSUFFICIENT_PRIVILEGES,
        Code.CHANGESET_DOES_NOT_EXIST,
        Code.CHANGESET_LOCKED,
        Code.COMMIT_FAILED,
        Code.COMMIT_ALREADY_RUNNING,
        Code.CURRENTLY_NOT_SUPPORTED,
        Code.OVERLOAD,
        Code.SERVER_FAILURE,
    }
)
_WITH_CHECK: Final = frozenset(Code) - _WITHOUT_CHECK
"""The codes that are about a value, so that the failed check is shown."""
