"""What can be wrong with a user's input, in the platform's vocabulary.

Source of categories, codes and validators: the platform's list of errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pydantic import ValidationError


class Category(StrEnum):
    """Who has to act: the operator's owner, the caller's credentials, the input, or time."""

    FAULT = "Fault"
    AUTHENTICATION = "AuthenticationError"
    VALIDATION = "ValidationError"
    STATE = "StateError"


class Code(StrEnum):
    """What is wrong."""

    VALIDATION_FAILED = "ValidationFailed"
    APP_DOES_NOT_EXIST = "AppDoesNotExist"
    APP_ALREADY_EXISTS = "AppAlreadyExists"
    APP_NAME_INVALID = "AppNameInvalid"
    RELEASE_DOES_NOT_EXIST = "ReleaseDoesNotExist"
    RELEASE_DIGEST_INVALID = "ReleaseDigestInvalid"
    SERVICE_DOES_NOT_EXIST = "ServiceDoesNotExist"
    SERVICE_ALREADY_EXISTS = "ServiceAlreadyExists"
    SERVICE_NAME_INVALID = "ServiceNameInvalid"
    NOTIFICATION_NAME_INVALID = "NotificationNameInvalid"
    CHANGESET_INVALID = "ChangesetInvalid"
    CHANGESET_LOCKED = "ChangesetLocked"
    CURRENTLY_NOT_SUPPORTED = "CurrentlyNotSupported"


class Validator(StrEnum):
    """Which check a field failed."""

    INVALID = "invalid"
    INVALID_FORMAT = "invalid_format"
    REQUIRED = "required"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    GREATER_THAN = "greater_than_threshold"
    GREATER_THAN_OR_EQUAL = "greater_than_or_equal_to_threshold"
    LESS_THAN = "less_than_threshold"
    LESS_THAN_OR_EQUAL = "less_than_or_equal_to_threshold"
    NOT_AN_INTEGER = "not_an_integer"
    INCLUDED = "included"
    NOT_INCLUDED = "not_included"
    MULTIPLE_OF = "multiple_of_invalid"
    TAKEN = "taken"
    NOT_FOUND = "not_found"
    DIGEST_INVALID = "release_digest_invalid"


_STATE_CODES: Final = frozenset({Code.CHANGESET_LOCKED})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it stands, which check failed, and what to do about it.

    `field` is a path in the definition (`apps.web.resources.memory`) or empty; `command` is the
    index in the Changeset's commands, None for what stands in its `definition`.
    """

    field: str
    validator: Validator
    message: str
    code: Code = Code.VALIDATION_FAILED
    command: int | None = None

    @property
    def category(self) -> Category:
        return Category.STATE if self.code in _STATE_CODES else Category.VALIDATION

    def at(self, command: int) -> Problem:
        """The same problem, said of a command of a Changeset."""
        return replace(self, command=command)

    def under(self, prefix: str) -> Problem:
        """The same problem with its field placed below a path."""
        return replace(self, field=f"{prefix}.{self.field}" if self.field else prefix)

    def __str__(self) -> str:
        where = f"commands[{self.command}]: " if self.command is not None else ""
        return f"{where}{self.message}"


class ProblemsError(Exception):
    """Input is refused; carries every problem found, never only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


# pydantic's names of failed checks -> the platform's.
_VALIDATORS: Final = {
    "missing": Validator.REQUIRED,
    "extra_forbidden": Validator.NOT_INCLUDED,
    "int_type": Validator.NOT_AN_INTEGER,
    "int_parsing": Validator.NOT_AN_INTEGER,
    "int_from_float": Validator.NOT_AN_INTEGER,
    "multiple_of": Validator.MULTIPLE_OF,
    "greater_than": Validator.GREATER_THAN,
    "greater_than_equal": Validator.GREATER_THAN_OR_EQUAL,
    "less_than": Validator.LESS_THAN,
    "less_than_equal": Validator.LESS_THAN_OR_EQUAL,
    "string_too_short": Validator.TOO_SHORT,
    "string_too_long": Validator.TOO_LONG,
    "too_short": Validator.TOO_SHORT,
    "too_long": Validator.TOO_LONG,
    "string_pattern_mismatch": Validator.INVALID_FORMAT,
    "enum": Validator.NOT_INCLUDED,
    "literal_error": Validator.NOT_INCLUDED,
}


def problems_of(error: ValidationError, prefix: str = "") -> tuple[Problem, ...]:
    """A pydantic error as problems, with fields below `prefix` and the value that was given."""
    found = []
    for detail in error.errors(include_url=False):
        path = ".".join(str(part) for part in detail["loc"] if part != "[key]")
        field = ".".join(part for part in (prefix, path) if part)
        message = detail["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        given = detail.get("input")
        shown = f" (given: {given!r})" if isinstance(given, str | int | float | bool) else ""
        validator = _VALIDATORS.get(detail["type"], Validator.INVALID)
        found.append(Problem(field, validator, f"{field}: {message}{shown}"))
    return tuple(found)
