"""The program `setops`: arguments in, exit code out."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import Final

from setops.api.errors import Problem, ProblemsError
from setops.cli.base import problems, streams
from setops.cli.shell.line import take_apart, take_what_is_there

_INTERRUPTED: Final = 1
_COMPLETE: Final = "__complete"


def main() -> None:
    """Run the command that the arguments name, and exit."""
    streams.prepare()
    arguments = sys.argv[1:]
    if arguments[:1] == [_COMPLETE]:
        from setops.cli.shell.completion.answer import answer

        # A login program that asks would disturb the line that is being typed.
        streams.close_input()
        code = answer(arguments[1:])
    else:
        code = run(arguments)
    sys.exit(streams.end(code))


def run(arguments: Sequence[str]) -> int:
    """Run a line; its exit code. Errors are told on standard error."""
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:
        if take_what_is_there(arguments).debug:
            _show_where()
        found = _problems(error)
        problems.show(found)
        return problems.exit_code(found)


def _run(arguments: Sequence[str]) -> int:
    streams.check_output()
    line = take_apart(streams.arguments(arguments))
    import click

    from setops.cli.base.scope import LineScope
    from setops.cli.base.session import Session
    from setops.cli.shell.program import Program

    words = line.words or ["--help"]
    if words[0] == "--version":
        words = ["version", *words[1:]]
    program = Program("setops", context_settings={"help_option_names": ["-h", "--help"]})
    session = Session(LineScope(line.scope), line.context)
    try:
        result = program.main(words, prog_name="setops", standalone_mode=False, obj=session)
    except click.Abort:
        return _INTERRUPTED
    finally:
        session.close()
    return int(result or 0)


def _show_where() -> None:
    import traceback

    from setops.cli.base.terminal import clean

    with contextlib.suppress(OSError):  # as with errors, the exit code still tells
        print(clean(traceback.format_exc()), end="", file=sys.stderr)


def _problems(error: Exception) -> Sequence[Problem]:
    if isinstance(error, ProblemsError):
        return error.problems
    click = sys.modules.get("click")
    if click is not None and isinstance(error, click.UsageError):
        from setops.cli.shell.program import problem_of

        return (problem_of(error),)
    from setops.cli.base.connect import problem_of as problem_of_connection

    return (problem_of_connection(error),)


if __name__ == "__main__":
    main()
