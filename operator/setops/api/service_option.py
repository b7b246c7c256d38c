"""The options of a Service: which values they take, and how a value is parsed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from setops.api.errors import Code, Problem, Validator

OptionValue = str | bool | int | list[str]
"""An option's value in a definition. Text is accepted for every option: `"true"`, `"20"`."""

Options = Mapping[str, OptionValue]
"""Options by their name in resources: `minStorage`."""


class OptionKind(StrEnum):
    """The type of an option's value."""

    INTEGER = "integer"
    BOOLEAN = "boolean"
    LIST = "list"
    """A list of texts."""


@dataclass(frozen=True, slots=True)
class ItemForm:
    """The form of each item of a list.

    `pattern` must match the whole item. `what` completes "must be …" and gives an example.
    """

    pattern: str
    max_length: int
    what: str

    def matches(self, item: str) -> bool:
        return len(item) <= self.max_length and bool(re.fullmatch(self.pattern, item, re.ASCII))


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One option of a type, named as in resources.

    Bounds are inclusive. A `default` of None means unset. `item` is the form of a list's items.
    `later` is set if the platform has the option but this version doesn't support it; it says what
    to do instead.
    """

    name: str
    kind: OptionKind
    description: str
    default: OptionValue | None = None
    minimum: int | None = None
    maximum: int | None = None
    item: ItemForm | None = None
    later: str = ""

    def parse(self, value: OptionValue) -> OptionValue | Problem:
        """The typed value, or what is wrong with it."""
        parsed = self._typed(value)
        if self.later and not isinstance(parsed, Problem):
            message = f"option {self.name} is currently not supported; {self.later}"
            return self._problem(Validator.NOT_INCLUDED, message, Code.CURRENTLY_NOT_SUPPORTED)
        return parsed

    def _typed(self, value: OptionValue) -> OptionValue | Problem:
        match self.kind:
            case OptionKind.BOOLEAN:
                return self._boolean(value)
            case OptionKind.INTEGER:
                return self._integer(value)
            case OptionKind.LIST:
                return self._list(value)

    def _boolean(self, value: OptionValue) -> bool | Problem:
        match value:
            case bool():
                return value
            case "true" | "false":
                return value == "true"
            case _:
                message = f"{self.name} is {value!r}; use true or false"
                return self._problem(Validator.NOT_INCLUDED, message)

    def _integer(self, value: OptionValue) -> int | Problem:
        # bool is an int in Python, but to a user `true` isn't a number.
        if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,12}", str(value)):
            message = f"{self.name} is {value!r}; use a whole number"
            return self._problem(Validator.NOT_AN_INTEGER, message)
        number = int(str(value))
        if self.minimum is not None and number < self.minimum:
            message = f"{self.name} is {number}; it must be at least {self.minimum}"
            return self._problem(Validator.GREATER_THAN_OR_EQUAL, message)
        if self.maximum is not None and number > self.maximum:
            message = f"{self.name} is {number}; it must be at most {self.maximum}"
            return self._problem(Validator.LESS_THAN_OR_EQUAL, message)
        return number

    def _list(self, value: OptionValue) -> list[str] | Problem:
        if isinstance(value, bool | int):
            message = f"{self.name} is {value!r}; use a list of names"
            return self._problem(Validator.INVALID, message)
        items = value if isinstance(value, list) else [part.strip() for part in value.split(",")]
        for item in items:
            if self.item is not None and not self.item.matches(item):
                message = f"{self.name} holds {item!r}; each item must be {self.item.what}"
                return self._problem(Validator.INVALID_FORMAT, message)
        return items

    def _problem(
        self, validator: Validator, message: str, code: Code = Code.VALIDATION_FAILED
    ) -> Problem:
        return Problem(f"options.{self.name}", validator, message, code)
