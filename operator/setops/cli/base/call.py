"""One call of a command: its values and flags, and its session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from setops.api.errors import Problem, ProblemsError, Validator
from setops.language.command import Declaration

if TYPE_CHECKING:
    from setops.cli.base.session import Session


@dataclass(frozen=True, slots=True)
class Call:
    """What a command was called with.

    `flags` has the value of each flag that was given: a text, a number, True for a switch, or a
    list for a flag that can be given several times.
    """

    declaration: Declaration
    session: Session
    arguments: tuple[str, ...]
    flags: Mapping[str, Any]

    def text(self, flag: str) -> str:
        """A flag's value, or an empty text if it wasn't given."""
        return str(self.flags.get(flag) or "")

    def given(self, switch: str) -> bool:
        """Whether a switch was given."""
        return bool(self.flags.get(switch))

    def number(self, position: int, default: int) -> int:
        """A value that must be a whole number. Raises ProblemsError if it isn't."""
        if len(self.arguments) <= position:
            return default
        text = self.arguments[position]
        if text.isascii() and text.isdecimal() and len(text) < 10:
            return int(text)
        name = self.declaration.arguments[position].name
        message = f"{name} is {text!r}; it must be a whole number, as in: "
        message += f"setops {self.declaration.example}"
        raise ProblemsError([Problem(name, Validator.NOT_AN_INTEGER, message)])

    @property
    def format(self) -> str:
        """The output format: table, json, yaml or name."""
        return self.text("output") or "table"

    @property
    def name(self) -> str | None:
        """The name of what the command is about: its first value, else the scope flag that may
        replace it."""
        from setops.cli.base.declare import Own

        if self.arguments:
            return self.arguments[0]
        named = self.declaration.named if isinstance(self.declaration, Own) else None
        return self.session.scope.flag(named) if named else None
