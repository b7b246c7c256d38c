"""Answers `setops __complete WORDS…` with candidates for the last word.

One candidate per line, followed by a tab and a description. `:files` stands for file names. Names
come from the cluster. If it doesn't answer, there are no candidates and no error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from setops.cli.base.declare import Own
from setops.cli.base.streams import arguments
from setops.cli.base.terminal import clean
from setops.cli.shell import table
from setops.cli.shell.help import summary
from setops.cli.shell.line import take_what_is_there
from setops.language.command import (
    SHORT_FLAGS,
    Argument,
    Arity,
    Choice,
    Declaration,
    Flag,
    Level,
    Type,
)

_SCOPE_HELP = {
    Level.PROJECT: "Project",
    Level.STAGE: "Stage",
    Level.APP: "App",
    Level.SERVICE: "Service",
    Level.DOMAIN: "Domain",
}
_FILES = Choice(":files")


def answer(words: Sequence[str]) -> int:
    """Write the candidates."""
    try:
        words = arguments(words) or [""]
        found = list(candidates(words[:-1], words[-1]))
    except Exception:
        # An error message would disturb the line that is being typed.
        return 0
    lines = [f"{_line(each.value)}\t{_line(each.description)}".rstrip("\t") for each in found]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def candidates(before: Sequence[str], word: str) -> Iterator[Choice]:
    """The candidates that begin with `word`."""
    if "--" in before:
        return
    line = take_what_is_there(before)
    command = _command(line.words)
    flag = _open_flag(before, command)
    name, equals, rest = word.partition("=")
    if flag is None and equals and word.startswith("--"):
        flag, word, prefix = _flag(name, command), rest, f"{name}="
    else:
        prefix = ""
    if flag is not None:
        found = _values(before, flag)
    elif word.startswith("-"):
        found = _flags(before, command)
    elif command is None:
        found = _commands(line.words, word)
    else:
        found = _arguments(before, command)
    for each in found:
        if each is _FILES:
            yield each
        elif each.value.startswith(word):
            yield Choice(f"{prefix}{each.value}", each.description)


@dataclass(frozen=True, slots=True)
class _TypedCommand:
    """The forms of the command that are still possible, and the values that were given."""

    forms: tuple[Declaration, ...]
    setting: str | None
    values: tuple[str, ...]

    @property
    def flags(self) -> tuple[Flag, ...]:
        return tuple(dict.fromkeys(flag for form in self.forms for flag in form.flags))


def _command(words: Sequence[str]) -> _TypedCommand | None:
    position = next((n for n, word in enumerate(words) if word in table.forms()), None)
    if position is None:
        return None
    forms = table.forms()[words[position]]
    flags = {flag for form in forms for flag in form.flags}
    taking = {f"--{flag.name}" for flag in flags if flag.type is not Type.SWITCH}
    taking |= {f"-{flag.short}" for flag in flags if flag.short and flag.type is not Type.SWITCH}
    values: list[str] = []
    rest = list(reversed(words[position + 1 :]))
    while rest:
        word = rest.pop()
        if word in taking:
            _ = rest.pop() if rest else ""
        elif not word.startswith("-"):
            values.append(word)
    if forms[0].setting is None:
        return _TypedCommand(forms, None, tuple(values))
    if not values:
        return _TypedCommand(forms, "", ())
    chosen = tuple(form for form in forms if form.setting == values[0])
    return _TypedCommand(chosen or forms, None, tuple(values[1:]))


def _commands(words: Sequence[str], word: str) -> Iterator[Choice]:
    if words:
        return
    for name, forms in table.forms().items():
        # At first only the families are offered, and their commands once something is typed.
        if word or name.split(":")[0] == name or name.split(":")[0] not in table.forms():
            yield Choice(name, summary(forms))


def _open_flag(before: Sequence[str], command: _TypedCommand | None) -> Flag | Level | None:
    """The flag whose value comes next, or None."""
    return _flag(before[-1], command) if before else None


def _flag(word: str, command: _TypedCommand | None) -> Flag | Level | None:
    name = word.removeprefix("--")
    if name == word:
        short = word.removeprefix("-")
        if short == word:
            return None
        if short in SHORT_FLAGS:
            return SHORT_FLAGS[short]
        found = [flag for flag in command.flags if flag.short == short] if command else []
    else:
        if name in {level.value for level in Level}:
            return Level(name)
        found = [flag for flag in command.flags if flag.name == name] if command else []
    return next((flag for flag in found if flag.type is not Type.SWITCH), None)


def _flags(before: Sequence[str], command: _TypedCommand | None) -> Iterator[Choice]:
    for flag in command.flags if command else ():
        if flag.many or f"--{flag.name}" not in before:
            yield Choice(f"--{flag.name}", flag.description)
    needed = command.forms[0].scopes if command else tuple(Level)
    for level in needed:
        if f"--{level}" not in before:
            yield Choice(f"--{level}", _SCOPE_HELP[level])
    yield Choice("--help", "Explains it.")


def _values(before: Sequence[str], flag: Flag | Level) -> Iterable[Choice]:
    from setops.cli.shell.completion import names

    if isinstance(flag, Level):
        return names.of_level(before, flag)
    if flag.choices:
        return flag.choices
    return _of_type(before, flag.type)


def _of_type(before: Sequence[str], type_: Type) -> Iterable[Choice]:
    from setops.cli.shell.completion import names

    return (_FILES,) if type_ is Type.FILE else names.of_type(before, type_)


def _arguments(before: Sequence[str], command: _TypedCommand) -> Iterable[Choice]:
    if command.setting is not None:
        return [Choice(form.setting or "", form.help) for form in command.forms]
    declared = command.forms[0].arguments
    position = len(command.values)
    if not declared:
        return ()
    argument = declared[min(position, len(declared) - 1)]
    if position >= len(declared) and argument.arity not in (Arity.MANY, Arity.ANY):
        return ()
    return _of_argument(before, command, argument)


def _of_argument(
    before: Sequence[str], command: _TypedCommand, argument: Argument
) -> Iterable[Choice]:
    from setops.cli.shell.completion import names

    form = command.forms[0]
    if argument.choices:
        return argument.choices
    if argument.type is Type.COMMAND:
        return _after_help(command.values)
    if form.name == "why":
        return names.for_why(before, command.values)
    if isinstance(form, Own) and form.named is not None and argument.arity is Arity.OPTIONAL:
        return names.of_level(before, form.named)
    return _of_type(before, argument.type)


def _after_help(values: Sequence[str]) -> Iterator[Choice]:
    if not values:
        for name, forms in table.forms().items():
            yield Choice(name, summary(forms))
    elif len(values) == 1:
        for form in table.forms().get(values[0], ()):
            if form.setting:
                yield Choice(form.setting, form.help)


def _line(text: str) -> str:
    # Descriptions come from the cluster, and shells show them as they are.
    return clean(" ".join(text.split()))
