"""Reads a command line, and writes one: `parse` and its inverse `render`."""

from __future__ import annotations

import re
import shlex
import string
from collections.abc import Sequence
from typing import Final

from setops.api.errors import Problem, ProblemsError, Validator, nearest, one_of, quoted
from setops.language.command import (
    INNER,
    SHORT_FLAGS,
    Arity,
    Choice,
    Command,
    Flag,
    Invocation,
    Level,
    Scope,
    Type,
)
from setops.language.table import COMMANDS, FORMS
from setops.language.words import split

PROGRAM: Final = "setops"

_LEVELS: Final = {level.value: level for level in Level}
_FLAGS: Final = {flag.name for command in COMMANDS.values() for flag in command.flags}


def parse(line: str) -> Invocation:
    """Parse one line, with or without a leading `setops`.

    Values are kept as written and checked when the command is applied. Raises ProblemsError with
    everything that is wrong with the line.
    """
    words = split(line)
    reader = _LineReader(words[1:] if words[:1] == [PROGRAM] else words)
    reader.read()
    command = reader.choose()
    reader.check(command)
    if reader.problems:
        raise ProblemsError(reader.problems)
    scope = Scope(**{level.value: value for level, value in reader.scope.items()})
    return Invocation(command.key, scope, tuple(reader.values), reader.flags)


def render(invocation: Invocation) -> str:
    """The line that `parse` turns into this invocation."""
    command = COMMANDS[invocation.command]
    words: list[str] = []
    for level in Level:
        value = invocation.scope.get(level)
        if value is not None:
            words += _written(level.value, value)
    words += command.key.split()
    for flag in command.flags:
        value = invocation.flags.get(flag.name)
        if value is not None:
            words += [f"--{flag.name}"] if flag.type is Type.SWITCH else _written(flag.name, value)
    if any(argument.startswith("-") for argument in invocation.arguments):
        words.append("--")
    return shlex.join([*words, *invocation.arguments])


def _written(name: str, value: str) -> list[str]:
    return [f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value]


def _is_flag(word: str) -> bool:
    # In `resource:set scale -1` the value is wrong; it isn't an unknown flag.
    return len(word) > 1 and word.startswith("-") and word[1] not in string.digits


class _LineReader:
    """Sorts the words of a line into scope, command, flags and values, and collects problems.

    Raises ProblemsError at once where the rest of the line can't be understood.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(reversed(words))
        self._forms: tuple[Command, ...] = ()
        self.scope: dict[Level, str] = {}
        self.flags: dict[str, str] = {}
        self.values: list[str] = []
        self.problems: list[Problem] = []

    def read(self) -> None:
        """Take all words."""
        while self._words:
            word = self._words.pop()
            if word == "--":
                self.values += reversed(self._words)
                break
            if _is_flag(word):
                self._take_flag(word)
            elif self._forms:
                self.values.append(word)
            else:
                self._take_command(word)
        if not self._forms:
            where = " before --" if self.values else ""
            message = f"there is no command{where}; write one, as in: app:create web"
            raise self._stopped(Validator.REQUIRED, message)

    def choose(self) -> Command:
        """The command, or for one with several settings the form that the first value names."""
        if self._forms[0].setting is None:
            return self._forms[0]
        settings = {form.setting: form for form in self._forms if form.setting is not None}
        name = self._forms[0].name
        if not self.values:
            message = f"{name} needs one of {one_of(settings)}, as in: {self._forms[0].example}"
            raise self._stopped(Validator.REQUIRED, message)
        word = self.values.pop(0)
        form = settings.get(word) or settings.get(_kebab(word))
        if form is not None:
            return form
        guess = nearest(word, settings)
        hint = f"did you mean {guess}?" if guess else f"use {one_of(settings)}"
        raise self._stopped(Validator.NOT_INCLUDED, f"{name} has no setting {quoted(word)}; {hint}")

    def check(self, command: Command) -> None:
        """Check that scope, flags and the number of values fit the command."""
        for level in self.scope:
            if level not in command.scopes:
                self._note(
                    Validator.NOT_INCLUDED,
                    f"{command.key} takes no --{level}; write: {command.usage}",
                )
        for level in command.scopes:
            if level in INNER and level not in self.scope:
                message = f"{command.key} needs --{level} NAME, as in: {command.example}"
                self._note(Validator.REQUIRED, message)
        for name in self.flags:
            if command.flag(name) is None:
                self._note(Validator.NOT_INCLUDED, _unknown_flag(f"--{name}", (command,)))
        for flag in command.flags:
            if flag.required and flag.name not in self.flags:
                what = f"--{flag.name}{_offer(flag.choices)}"
                message = f"{command.key} needs {what}, as in: {command.example}"
                self._note(Validator.REQUIRED, message)
        self._check_count(command)

    def _check_count(self, command: Command) -> None:
        given, wanted = len(self.values), len(command.arguments)
        last = command.arguments[-1].arity if command.arguments else Arity.ONE
        least = wanted - 1 if last is Arity.ANY else wanted
        if given < least:
            missing = command.arguments[given]
            what = f"{missing.name}{_offer(missing.choices)}"
            message = f"{command.key} needs {what}, as in: {command.example}"
            self._note(Validator.REQUIRED, message)
        elif given > wanted and last is Arity.ONE:
            self._note(
                Validator.TOO_LONG,
                f"{quoted(self.values[wanted])} is one value too many for {command.key}; "
                f"put a value with spaces in quotes. Write: {command.usage}",
            )

    def _take_command(self, word: str) -> None:
        if word in FORMS:
            self._forms = FORMS[word]
            return
        guess = nearest(word, FORMS)
        family = [name for name in FORMS if name.split(":")[0] == word.split(":")[0]]
        if guess:
            hint = f"did you mean {guess}?"
        elif family:
            hint = f"a Changeset takes {one_of(family)}"
        else:
            hint = "one begins with what it changes, as in app:create; see: setops help"
        raise self._stopped(Validator.NOT_INCLUDED, f"there is no command {quoted(word)}; {hint}")

    def _take_flag(self, word: str) -> None:
        written, equals, value = word.partition("=")
        name = written.removeprefix("--")
        level = SHORT_FLAGS.get(written[1:]) if name == written else _LEVELS.get(name)
        if level is not None:
            text = value if equals else self._take_value(written)
            if text == "":
                self._note(Validator.REQUIRED, f"{written} is empty; write a name after it")
            if level in self.scope:
                self._note(Validator.TAKEN, f"--{level} is given twice; write it once")
            self.scope[level] = text or ""
            return
        flag = self._flag(name) if name != written else None
        if flag is None:
            raise self._stopped(Validator.NOT_INCLUDED, self._unknown_flag(written))
        if flag.type is Type.SWITCH:
            text = "true"
            if equals:
                self._note(Validator.INVALID, f"{written} takes no value; write it alone")
        else:
            text = value if equals else self._take_value(written)
        if name in self.flags:
            self._note(Validator.TAKEN, f"{written} is given twice; write it once")
        self.flags[name] = text or ""

    def _take_value(self, flag: str) -> str | None:
        if self._words and not _is_flag(self._words[-1]):
            return self._words.pop()
        message = f"{flag} needs a value; one that begins with a dash is written {flag}=VALUE"
        self._note(Validator.REQUIRED, message)
        return None

    def _flag(self, name: str) -> Flag | None:
        found = (form.flag(name) for form in self._forms)
        return next((flag for flag in found if flag is not None), None)

    def _unknown_flag(self, flag: str) -> str:
        if self._forms:
            return _unknown_flag(flag, self._forms)
        levels = [f"--{level}" for level in Level]
        message = f"before the command stand only {one_of(levels)}, not {quoted(flag)}"
        if flag.removeprefix("--") in _FLAGS:
            return f"{message}; put {flag} after the command"
        guess = nearest(flag, levels)
        hint = f"did you mean {guess}?" if guess else "the command's own flags stand after it"
        return f"{message}; {hint}"

    def _note(self, validator: Validator, message: str) -> None:
        problem = Problem("", validator, message)
        # A mistake that occurs many times in a line is reported once.
        if problem not in self.problems:
            self.problems.append(problem)

    def _stopped(self, validator: Validator, message: str) -> ProblemsError:
        self._note(validator, message)
        return ProblemsError(self.problems)


def _offer(choices: Sequence[Choice]) -> str:
    return f" ({one_of(choice.value for choice in choices)})" if choices else ""


def _unknown_flag(flag: str, forms: Sequence[Command]) -> str:
    known = [f"--{known.name}" for form in forms for known in form.flags]
    known += [f"--{level}" for level in forms[0].scopes]
    what = forms[0].key if len(forms) == 1 else forms[0].name
    guess = nearest(flag, known)
    hint = f"did you mean {guess}?" if guess else f"it has {one_of(known)}."
    if guess and not any(_takes_words(form) for form in forms):
        return f"{what} has no flag {quoted(flag)}; {hint}"
    return (
        f"{what} has no flag {quoted(flag)}; {hint} "
        "If it is part of a value, write -- before the value"
    )


def _takes_words(command: Command) -> bool:
    """Whether its value is a command line of the user's, which is likely to contain flags."""
    return any(
        argument.type is Type.TEXT and argument.arity is not Arity.ONE
        for argument in command.arguments
    )


def _kebab(word: str) -> str:
    """The spelling in commands: `health-check` for `healthCheck` and `health_check`."""
    return re.sub(r"(?<=[a-z])[A-Z]", lambda found: f"-{found[0].lower()}", word).replace("_", "-")
