"""Turns pydantic's errors into Problems in the platform's vocabulary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from setops.api.errors import Code, Problem, Validator, nearest, quoted


def refusal(
    validator: Validator, message: str, code: Code = Code.VALIDATION_FAILED
) -> PydanticCustomError:
    """The error for a model's own check to raise, with a validator and a code.

    A plain ValueError counts as `invalid` and `ValidationFailed`.
    """
    context = {"message": message, "validator": validator, "code": code}
    return PydanticCustomError("refused", "{message}", context)


# pydantic's names for failed checks, with the platform's name for each and the remedy in words.
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

    With `model`, the model that refused the input, fields are spelled as in resources, the
    description of a field explains a wrong value, and an unknown field is answered with the nearest
    one.
    """
    return tuple(_problem(detail, prefix, model) for detail in error.errors(include_url=False))


def _problem(detail: ErrorDetails, prefix: str, model: type[BaseModel] | None) -> Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    place = _locate(detail["loc"], model)
    if kind == "extra_forbidden":
        # An unknown field is named as it was written.
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
    """Where in a model an error is: its path, the field's description, and the fields beside it."""

    path: tuple[str, ...]
    description: str
    siblings: tuple[str, ...]


def _locate(loc: tuple[int | str, ...], model: type[BaseModel] | None) -> _Place:
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
            # The last type argument is what a map or a list holds: dict[str, X], list[X].
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
            # The text isn't shown: it could fill the screen, or be private.
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
    # The default doesn't help somebody who has set a wrong value.
    rule, _, _ = text.partition(" Unset: ")
    return rule[:1].lower() + rule[1:].removesuffix(".")
