"""What can be wrong with a user's input, in the platform's vocabulary.

Source of categories, codes and validators: the platform's list of errors.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_origin

if TYPE_CHECKING:
    # Loaded where it is needed: help and completion tell of errors without any model.
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails, PydanticCustomError


class Category(StrEnum):
    """Who has to act: the operator's owner, the caller's credentials, the input, or time."""

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
"""Of the codes whose category isn't ValidationError."""


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
        return _CATEGORIES.get(self.code, Category.VALIDATION)

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


_SHOWN: Final = 60
_LONGEST_GUESS: Final = 64


def quoted(text: str) -> str:
    """Text as a message shows it: in quotes, on one line, no longer than a line takes."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return (
        "'"
        + "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown)
        + "'"
    )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that somebody who wrote `word` probably meant, or None."""
    if len(word) > _LONGEST_GUESS:
        return None
    found = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return found[0] if found else None


def one_of(words: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`; at least one word."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def refusal(
    validator: Validator, message: str, code: Code = Code.VALIDATION_FAILED
) -> PydanticCustomError:
    """What a model's own check raises, so that `problems_of` knows validator and code.

    A plain ValueError counts as `invalid` and `ValidationFailed`.
    """
    from pydantic_core import PydanticCustomError

    context = {"message": message, "validator": validator, "code": code}
    return PydanticCustomError("refused", "{message}", context)


# pydantic's names of failed checks -> the platform's, and what to do about them in words.
_VALIDATORS: Final = {
    "missing": Validator.REQUIRED,
    "extra_forbidden": Validator.NOT_INCLUDED,
    "int_type": Validator.NOT_AN_INTEGER,
    "int_parsing": Validator.NOT_AN_INTEGER,
    "int_parsing_size": Validator.NOT_AN_INTEGER,
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
    "bool_type": Validator.NOT_INCLUDED,
    "bool_parsing": Validator.NOT_INCLUDED,
}
_WHOLE_NUMBER: Final = "it must be a whole number"
_A_MAP: Final = "it must be a map of fields"
_REMEDIES: Final = {
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "greater_than": "it must be more than {gt}",
    "greater_than_equal": "it must be at least {ge}",
    "less_than": "it must be less than {lt}",
    "less_than_equal": "it must be at most {le}",
    "string_too_short": "it must have at least {min_length} characters",
    "string_too_long": "it must have at most {max_length} characters",
    "too_short": "it must have at least {min_length} entries",
    "too_long": "it must have at most {max_length} entries",
    "string_type": "it must be text; put numbers, true and false in quotes",
    "string_unicode": "it holds characters that are not valid text",
    "bool_type": "use true or false",
    "bool_parsing": "use true or false",
    "list_type": "it must be a list",
    "dict_type": _A_MAP,
    "mapping_type": _A_MAP,
    "model_type": _A_MAP,
    "model_attributes_type": _A_MAP,
}


def problems_of(
    error: ValidationError, prefix: str = "", model: type[BaseModel] | None = None
) -> tuple[Problem, ...]:
    """A pydantic error as problems, with fields below `prefix` and the value that was given.

    With the model that refused the input, fields are spelled as in resources, a wrong form is
    explained by the field's description, and for an unknown field the nearest one is named.
    """
    return tuple(_problem(detail, prefix, model) for detail in error.errors(include_url=False))


def _problem(detail: ErrorDetails, prefix: str, model: type[BaseModel] | None) -> Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    place = _locate(detail["loc"], model)
    if kind == "extra_forbidden":
        # What isn't accepted is named as it was written, not as it should have been.
        place = replace(place, path=(*place.path[:-1], str(detail["loc"][-1])))
    field = ".".join(part for part in (prefix, *place.path) if part)
    where = field or "the input"
    if kind == "refused":
        message = f"{where}: {context['message']}"
        return Problem(field, context["validator"], message, context["code"])
    if kind in ("value_error", "assertion_error"):
        return Problem(field, Validator.INVALID, f"{where}: {context['error']}")
    return Problem(field, _VALIDATORS.get(kind, Validator.INVALID), _say(where, detail, place))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a model an error stands: its path, what the field is, and the fields beside it."""

    path: tuple[str, ...]
    description: str
    siblings: tuple[str, ...]


def _locate(loc: tuple[int | str, ...], model: type[BaseModel] | None) -> _Place:
    from pydantic import BaseModel

    path: list[str] = []
    description = ""
    siblings: tuple[str, ...] = ()
    shape: Any = model
    for part in loc:
        if part == "[key]":
            continue
        name, shape = str(part), _bare(shape)
        if isinstance(shape, type) and issubclass(shape, BaseModel):
            fields = {info.alias or key: info for key, info in shape.model_fields.items()}
            siblings = tuple(fields)
            name = getattr(shape.model_fields.get(name), "alias", None) or name
            description = (fields[name].description or "") if name in fields else ""
            shape = fields[name].annotation if name in fields else None
        else:
            # What a map or a list holds is its last argument: dict[str, X], list[X].
            shape = (get_args(shape) or (None,))[-1]
        path.append(name)
    return _Place(tuple(path), description, siblings)


def _bare(shape: Any) -> Any:
    """An annotation without Annotated and without `| None`."""
    while True:
        arguments = get_args(shape)
        if get_origin(shape) is Annotated:
            shape = arguments[0]
        elif len(arguments) == 2 and type(None) in arguments:
            shape = arguments[0] if arguments[1] is type(None) else arguments[1]
        else:
            return shape


def _say(where: str, detail: ErrorDetails, place: _Place) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    match kind:
        case "missing":
            return f"{where} is missing; {_uncapitalized(place.description) or 'add it'}"
        case "extra_forbidden":
            return f"there is no field {where}; {_known_fields(place)}"
        case "string_too_short" | "too_short" if context["min_length"] == 1:
            return f"{where} is empty; {_uncapitalized(place.description) or 'fill it in'}"
        case "string_too_long" | "string_too_short" | "string_unicode":
            # The text itself would fill the screen, or may be something to keep private.
            return f"{where}: {_REMEDIES[kind].format(**context)}"
    given = _given(detail.get("input"))
    what = f"{where} is {given};" if given else f"{where}:"
    match kind:
        case "multiple_of":
            return f"{what} it must be a multiple of {_multiples(detail['input'], context)}"
        case "literal_error" | "enum":
            return f"{what} use {str(context['expected']).replace(chr(39), '')}"
        case "string_pattern_mismatch":
            return f"{what} expected: {_uncapitalized(place.description)}".rstrip(": ")
    remedy = _REMEDIES.get(kind)
    return f"{what} {remedy.format(**context)}" if remedy else f"{what} that is not valid"


def _known_fields(place: _Place) -> str:
    guess = nearest(place.path[-1], place.siblings)
    if guess is not None:
        return f"did you mean {guess}?"
    return f"known are {', '.join(place.siblings)}" if place.siblings else "leave it out"


def _multiples(value: Any, context: dict[str, Any]) -> str:
    step = int(context["multiple_of"])
    below = int(value) // step * step
    if below <= 0:
        return f"{step}: use {step} or more"
    return f"{step}: use {below} or {below + step}"


def _given(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str():
            return quoted(value)
        case _:
            return ""


def _uncapitalized(text: str) -> str:
    # What counts when nothing is set helps nobody who has set something wrong.
    rule, _, _ = text.partition(" Unset: ")
    return rule[:1].lower() + rule[1:].removesuffix(".")
