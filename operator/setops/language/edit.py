"""What commands share: finding, creating, changing and removing entries of a definition.

The models alone know the limits: every change goes through their validation, of the touched entry
only, since the parts that stay are instances that are valid already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from setops.api.app import AppSpec
from setops.api.definition import MODELS, SECTIONS, Entry, StageDefinition, load_entry
from setops.api.errors import (
    Code,
    Problem,
    ProblemsError,
    Validator,
    nearest,
    problems_of,
    quoted,
)
from setops.api.model import Model
from setops.api.service import ServiceSpec

_MISSING: Final = {
    "apps": Code.APP_DOES_NOT_EXIST,
    "services": Code.SERVICE_DOES_NOT_EXIST,
    "notifications": Code.VALIDATION_FAILED,
}
_TAKEN: Final = {
    "apps": Code.APP_ALREADY_EXISTS,
    "services": Code.SERVICE_ALREADY_EXISTS,
    "notifications": Code.VALIDATION_FAILED,
}
_DIGITS: Final = re.compile(r"[+-]?[0-9]{1,18}")


def refuse(field: str, validator: Validator, message: str, code: Code | None = None) -> NoReturn:
    """Raise the one problem of a command."""
    raise ProblemsError([Problem(field, validator, message, code or Code.VALIDATION_FAILED)])


def app_of(definition: StageDefinition, name: str) -> AppSpec:
    """The App of this name; AppDoesNotExist if there is none."""
    _require(definition, "apps", name)
    return definition.apps[name]


def service_of(definition: StageDefinition, name: str) -> ServiceSpec:
    """The Service of this name; ServiceDoesNotExist if there is none."""
    _require(definition, "services", name)
    return definition.services[name]


def create(
    definition: StageDefinition, section: str, name: str, raw: Mapping[str, Any]
) -> StageDefinition:
    """The definition with a new entry, given in the resources' spelling."""
    if name in definition.section(section):
        kind = SECTIONS[section].kind
        refuse(
            f"{section}.{name}",
            Validator.TAKEN,
            f"{kind} {quoted(name)} exists already; choose another name or change the one there is",
            _TAKEN[section],
        )
    return put(definition, section, name, load_entry(section, name, raw))


def destroy(definition: StageDefinition, section: str, name: str) -> StageDefinition:
    """The definition without an entry."""
    _require(definition, section, name)
    entries = dict(definition.section(section))
    del entries[name]
    return definition.model_copy(update={section: entries})


def put(definition: StageDefinition, section: str, name: str, entry: Entry) -> StageDefinition:
    """The definition with a valid entry in place; too many of a kind are refused."""
    before = definition.section(section)
    entries = {**before, name: entry}
    if name in before:
        return definition.model_copy(update={section: entries})
    try:
        return StageDefinition.model_validate({**vars(definition), section: entries})
    except ValidationError as error:
        raise ProblemsError(problems_of(error, model=StageDefinition)) from None


def change(
    definition: StageDefinition, section: str, name: str, fields: Mapping[str, Any]
) -> StageDefinition:
    """The definition with some fields of an entry replaced, by their names in the model."""
    _require(definition, section, name)
    entry = definition.section(section)[name]
    model = MODELS[section]
    try:
        changed = model.model_validate({**vars(entry), **fields})
    except ValidationError as error:
        raise ProblemsError(problems_of(error, f"{section}.{name}", model)) from None
    return put(definition, section, name, changed)


def part(model: Model | None, fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """A part of an entry with some fields replaced; None when nothing is set in it any more.

    So that setting and unsetting a thing leads back to where it began.
    """
    changed = {**(vars(model) if model else {}), **fields}
    return changed if any(value is not None for value in changed.values()) else None


def without(entries: Mapping[str, Any] | None, key: str, field: str, what: str) -> dict[str, Any]:
    """A map of an entry without one key, which must be there; `field` is the map's path."""
    left = dict(entries or {})
    if key not in left:
        guess = nearest(key, left)
        hint = f"did you mean {quoted(guess)}?" if guess else _listing(left)
        refuse(
            f"{field}.{key}",
            Validator.NOT_FOUND,
            f"there is no {what} {quoted(key)} in {field}; {hint}",
        )
    del left[key]
    return left


def integer(text: str, field: str) -> int:
    """A whole number as people write it: digits, perhaps a sign."""
    if not _DIGITS.fullmatch(text):
        message = f"{field} is {quoted(text)}; it must be a whole number"
        refuse(field, Validator.NOT_AN_INTEGER, message)
    return int(text)


def boolean(text: str, field: str) -> bool:
    """`true` or `false`."""
    if text not in ("true", "false"):
        refuse(field, Validator.NOT_INCLUDED, f"{field} is {quoted(text)}; use true or false")
    return text == "true"


def _require(definition: StageDefinition, section: str, name: str) -> None:
    entries = definition.section(section)
    if name in entries:
        return
    kind = SECTIONS[section].kind
    guess = nearest(name, entries)
    hint = f"did you mean {quoted(guess)}?" if guess else _listing(entries)
    refuse(
        f"{section}.{name}",
        Validator.NOT_FOUND,
        f"{kind} {quoted(name)} doesn't exist; {hint}",
        _MISSING[section],
    )


def _listing(entries: Mapping[str, Any]) -> str:
    if not entries:
        return "there is none"
    shown = sorted(entries)[:10]
    more = len(entries) - len(shown)
    return f"there are: {', '.join(shown)}" + (f" and {more} more" if more else "")
