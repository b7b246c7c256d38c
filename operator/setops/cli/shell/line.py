"""Extracts the flags that every command has from a line. They may be anywhere before `--`."""

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
_DEBUG: Final = "--debug"


@dataclass(slots=True)
class Line:
    """A line without the common flags. `words` are the command, its values and its own flags."""

    scope: dict[Level, str] = field(default_factory=dict)
    context: str = ""
    debug: bool = False
    words: list[str] = field(default_factory=list)


def take_apart(arguments: Sequence[str]) -> Line:
    """Read a line. Raises ProblemsError for a scope flag that lacks its value or is given twice."""
    line, problems = _read(arguments)
    if problems:
        raise ProblemsError(problems)
    return line


def take_what_is_there(arguments: Sequence[str]) -> Line:
    """Read a line that isn't complete yet, so that a flag may lack its value."""
    line, _ = _read(arguments)
    return line


def _read(arguments: Sequence[str]) -> tuple[Line, list[Problem]]:
    line = Line()
    problems: list[Problem] = []
    rest = list(reversed(arguments))
    while rest:
        word = rest.pop()
        name, equals, value = word.partition("=")
        if word == "--":
            line.words += [word, *reversed(rest)]
            break
        if word == _DEBUG:
            line.debug = True
            continue
        if name != _CONTEXT and name not in _LEVELS:
            line.words.append(word)
            continue
        if not equals and rest and not _is_flag(rest[-1]):
            value = rest.pop()
        problem = _empty(word) if not value else _take(line, name, value)
        problems += [problem] if problem else []
    return line, problems


def _take(line: Line, flag: str, value: str) -> Problem | None:
    """Store the value of a flag in the line. Returns what is wrong with it, or None."""
    if flag == _CONTEXT:
        line.context = value
        return None
    level = _LEVELS[flag]
    twice = level in line.scope
    line.scope[level] = value
    return _twice(level) if twice else None


def _is_flag(word: str) -> bool:
    return len(word) > 1 and word.startswith("-")


def _empty(word: str) -> Problem:
    flag, equals, _ = word.partition("=")
    what = "is empty" if equals else "needs a value"
    return Problem(flag, Validator.REQUIRED, f"{flag} {what}; write a name after it")


def _twice(level: Level) -> Problem:
    return Problem(f"--{level}", Validator.TAKEN, f"--{level} is given twice; write it once")
