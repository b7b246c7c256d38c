"""What can be wrong with a user's input, in the platform's vocabulary, and how messages show text.

Source of categories, codes and validators: the platform's list of errors. `validation` turns
pydantic's errors into Problems. This module loads no model, since help and completion import it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class Category(StrEnum):
    """The kind of error: a fault of the system, of the credentials, of the input, or of the current
    state."""

    FAULT = "Fault"
    AUTHENTICATION = "AuthenticationError"
    VALIDATION = "ValidationError"
    STATE = "StateError"


class Code(StrEnum):
    """What is wrong."""

    SESSION_INVALID = "SessionInvalid"
    CREDENTIALS_INVALID = "CredentialsInvalid"
    INSUFFICIENT_PRIVILEGES = "InsufficientPrivileges"
    VALIDATION_FAILED = "ValidationFailed"
    ORGANIZATION_DOES_NOT_EXIST = "OrganizationDoesNotExist"
    PROJECT_DOES_NOT_EXIST = "ProjectDoesNotExist"
    PROJECT_ALREADY_EXISTS = "ProjectAlreadyExists"
    STAGE_DOES_NOT_EXIST = "StageDoesNotExist"
    STAGE_ALREADY_EXISTS = "StageAlreadyExists"
    STAGE_NAME_INVALID = "StageNameInvalid"
    APP_DOES_NOT_EXIST = "AppDoesNotExist"
    APP_ALREADY_EXISTS = "AppAlreadyExists"
    APP_NAME_INVALID = "AppNameInvalid"
    RELEASE_DOES_NOT_EXIST = "ReleaseDoesNotExist"
    RELEASE_DIGEST_INVALID = "ReleaseDigestInvalid"
    SERVICE_DOES_NOT_EXIST = "ServiceDoesNotExist"
    SERVICE_ALREADY_EXISTS = "ServiceAlreadyExists"
    SERVICE_NAME_INVALID = "ServiceNameInvalid"
    NOTIFICATION_NAME_INVALID = "NotificationNameInvalid"
    CHANGESET_DOES_NOT_EXIST = "ChangesetDoesNotExist"
    CHANGESET_INVALID = "ChangesetInvalid"
    CHANGESET_LOCKED = "ChangesetLocked"
    COMMIT_FAILED = "CommitFailed"
    COMMIT_ALREADY_RUNNING = "CommitAlreadyRunning"
    CURRENTLY_NOT_SUPPORTED = "CurrentlyNotSupported"
    OVERLOAD = "Overload"
    SERVER_FAILURE = "ServerFailure"


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
    NOT_AN_EMAIL_ADDRESS = "not_an_email_address"
    MULTIPLE_OF = "multiple_of_invalid"
    TAKEN = "taken"
    NOT_FOUND = "not_found"
    DIGEST_INVALID = "release_digest_invalid"


_CATEGORIES: Final = {
    Code.SESSION_INVALID: Category.AUTHENTICATION,
    Code.CREDENTIALS_INVALID: Category.AUTHENTICATION,
    Code.INSUFFICIENT_PRIVILEGES: Category.AUTHENTICATION,
    Code.CHANGESET_DOES_NOT_EXIST: Category.STATE,
    Code.CHANGESET_LOCKED: Category.STATE,
    Code.COMMIT_FAILED: Category.STATE,
    Code.COMMIT_ALREADY_RUNNING: Category.STATE,
    Code.OVERLOAD: Category.FAULT,
    Code.SERVER_FAILURE: Category.FAULT,
}
"""The categories of all codes that aren't a ValidationError."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it is, which check failed, and what to do about it.

    `field` is a path in the definition (`apps.web.resources.memory`), or empty. `command` is an
    index in the Changeset's commands, or None for a problem in its `definition`.
    """

    field: str
    validator: Validator
    message: str
    code: Code = Code.VALIDATION_FAILED
    command: int | None = None

    @property
    def category(self) -> Category:
        return _CATEGORIES.get(self.code, Category.VALIDATION)

    def at(self, command: int) -> Problem:
        """The same problem, attributed to a command of a Changeset."""
        return replace(self, command=command)

    def under(self, prefix: str) -> Problem:
        """The same problem, with its field moved below a path."""
        return replace(self, field=f"{prefix}.{self.field}" if self.field else prefix)

    def __str__(self) -> str:
        where = f"commands[{self.command}]: " if self.command is not None else ""
        return f"{where}{self.message}"


class ProblemsError(Exception):
    """Input is refused. Carries every problem found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


_SHOWN: Final = 60
_LONGEST_GUESS: Final = 64


def quoted(text: str) -> str:
    """Text as messages show it: quoted, on one line, and cut if it is long."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return (
        "'"
        + "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown)
        + "'"
    )


def enumerated(names: Sequence[str], most: int) -> str:
    """The first names with commas between them, and `…` if there are more than `most`."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant by `word`, or None."""
    if len(word) > _LONGEST_GUESS:
        return None
    found = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return found[0] if found else None


def one_of(words: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`; at least one word."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
