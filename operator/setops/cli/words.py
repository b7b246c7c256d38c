"""Takes the flags that every command knows out of a line, wherever they stand before `--`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from setops.api.errors import Problem, ProblemsError, Validator
from setops.language.command import SHORT_FLAGS, Level

_LEVELS: Final = {f"--{level}": level for level in Level} | {
    f"-{short}": level for short, level in SHORT_FLAGS.items()
}
_CONTEXT: Final = "--context"
_SWITCHES: Final = {"--debug": "debug"}


@dataclass(slots=True)
class Line:
    """A line taken apart. `words` are what is left: the command, its values and its own flags."""

    scope: dict[Level, str] = field(default_factory=dict)
    context: str = ""
    debug: bool = False
    words: list[str] = field(default_factory=list)


def take_apart(arguments: Sequence[str], *, strict: bool = True) -> Line:
    """Read a line. Raises ProblemsError for a scope flag without a value, or given twice.

    Not `strict`, as for completion, takes what it can.
    """
    line = Line()
    problems: list[Problem] = []
    rest = list(reversed(arguments))
    while rest:
        word = rest.pop()
        if word == "--":
            line.words += [word, *reversed(rest)]
            break
        name, equals, value = word.partition("=")
        if name in _SWITCHES and not equals:
            line.debug = True
        elif name == _CONTEXT or name in _LEVELS:
            if not equals:
                value = rest.pop() if rest and not _is_flag(rest[-1]) else ""
            if not value and strict:
                problems.append(_empty(name, given=bool(equals)))
            elif name == _CONTEXT:
                line.context = value
            else:
                level = _LEVELS[name]
                if level in line.scope:
                    problems.append(_twice(level))
                line.scope[level] = value
        else:
            line.words.append(word)
    if problems and strict:
        raise ProblemsError(problems)
    return line


def _is_flag(word: str) -> bool:
    return len(word) > 1 and word.startswith("-")


def _empty(flag: str, *, given: bool) -> Problem:
    what = "is empty; write a name after it" if given else "needs a value; write a name after it"
    return Problem(flag, Validator.REQUIRED, f"{flag} {what}")


def _twice(level: Level) -> Problem:
    return Problem(f"--{level}", Validator.TAKEN, f"--{level} is given twice; write it once")
