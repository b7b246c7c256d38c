"""What commands share: finding, creating, changing and removing entries of a definition.

Only the models know the limits, so every changed entry is validated by its model. Entries that stay
as they are have been validated before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from setops.api.app import AppSpec
from setops.api.definition import StageDefinition, load_entry
from setops.api.errors import Code, Problem, ProblemsError, Validator, nearest, quoted
from setops.api.model import Model
from setops.api.section import APPS, SERVICES, Entry, Section
from setops.api.service import ServiceSpec
from setops.api.validation import problems_of

_MAX_DIGITS: Final = 40
_DIGITS: Final = re.compile(r"[+-]?[0-9]+")
_GUESSED_AMONG: Final = 200
"""How many known names a wrong one is compared with. Comparing is the slowest part of a command."""


def refuse(field: str, validator: Validator, message: str, code: Code | None = None) -> NoReturn:
    """Raise ProblemsError with a single problem."""
    raise ProblemsError([Problem(field, validator, message, code or Code.VALIDATION_FAILED)])


def app_of(definition: StageDefinition, name: str) -> AppSpec:
    """The App of this name. Raises ProblemsError with AppDoesNotExist if there is none."""
    _require(definition, APPS, name)
    return definition.apps[name]


def service_of(definition: StageDefinition, name: str) -> ServiceSpec:
    """The Service of this name. Raises ProblemsError with ServiceDoesNotExist if there is none."""
    _require(definition, SERVICES, name)
    return definition.services[name]


def create(
    definition: StageDefinition, section: Section, name: str, raw: Mapping[str, Any]
) -> StageDefinition:
    """The definition with a new entry. `raw` has the fields as resources spell them."""
    if name in definition.section(section):
        refuse(
            section.path(name),
            Validator.TAKEN,
            f"{section.kind} {quoted(name)} exists already; choose another name or change the one "
            "there is",
            section.taken,
        )
    return put(definition, section, name, load_entry(section, name, raw))


def destroy(definition: StageDefinition, section: Section, name: str) -> StageDefinition:
    """The definition without an entry."""
    _require(definition, section, name)
    entries = dict(definition.section(section))
    del entries[name]
    return definition.with_sections({section: entries})


def put(definition: StageDefinition, section: Section, name: str, entry: Entry) -> StageDefinition:
    """The definition with a valid entry added or replaced. More than the section's limit is
    refused."""
    before = definition.section(section)
    if name not in before and len(before) >= section.limit:
        message = (
            f"a Stage has at most {section.limit} {section.kind}s, so {quoted(name)} is one too "
            "many; destroy one that isn't needed any more, or use another Stage"
        )
        refuse(section.name, Validator.TOO_LONG, message)
    return definition.with_sections({section: {**before, name: entry}})


def change(
    definition: StageDefinition, section: Section, name: str, fields: Mapping[str, Any]
) -> StageDefinition:
    """The definition with some fields of an entry replaced. Fields have the model's names."""
    _require(definition, section, name)
    entry = definition.section(section)[name]
    try:
        changed = section.model.model_validate({**vars(entry), **fields})
    except ValidationError as error:
        raise ProblemsError(problems_of(error, section.path(name), section.model)) from None
    return put(definition, section, name, changed)


def change_app(
    definition: StageDefinition, name: str, fields: Mapping[str, Any]
) -> StageDefinition:
    """The definition with some fields of an App replaced. Fields have the model's names."""
    return change(definition, APPS, name, fields)


def part(model: Model | None, fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """A part of an entry with some fields replaced, or None if nothing is set in it any more.

    Setting a thing and unsetting it again leads back to where it started.
    """
    changed = {**(vars(model) if model else {}), **fields}
    return changed if any(value is not None for value in changed.values()) else None


@dataclass(frozen=True, slots=True)
class AppMap:
    """One of an App's maps, and what messages call an item of it."""

    app: str
    field: str
    what: str


def without(entries: Mapping[str, Any] | None, key: str, of: AppMap) -> dict[str, Any]:
    """A map of an App without one key. The key must exist."""
    left = dict(entries or {})
    if key not in left:
        hint = _hint(key, left) or "it has none"
        refuse(
            APPS.path(of.app, of.field, key),
            Validator.NOT_FOUND,
            f"App {quoted(of.app)} has no {of.what} {quoted(key)}; {hint}",
        )
    del left[key]
    return left


def integer(text: str, field: str) -> int:
    """A whole number: digits, with an optional sign."""
    is_number = _DIGITS.fullmatch(text) is not None
    if not is_number or len(text) > _MAX_DIGITS:
        rule = f" of at most {_MAX_DIGITS} digits" if is_number else ""
        message = f"{field} is {quoted(text)}; it must be a whole number{rule}"
        refuse(field, Validator.NOT_AN_INTEGER, message)
    return int(text)


def boolean(text: str, field: str) -> bool:
    """`true` or `false`."""
    if text not in ("true", "false"):
        refuse(field, Validator.NOT_INCLUDED, f"{field} is {quoted(text)}; use true or false")
    return text == "true"


def _require(definition: StageDefinition, section: Section, name: str) -> None:
    entries = definition.section(section)
    if name in entries:
        return
    hint = _hint(name, entries) or f"the Stage has none; create one: {section.create}"
    refuse(
        section.path(name),
        Validator.NOT_FOUND,
        f"{section.kind} {quoted(name)} doesn't exist; {hint}",
        section.missing,
    )


def _hint(name: str, known: Mapping[str, Any]) -> str | None:
    """What to suggest for an unknown name, or None if nothing is known."""
    if not known:
        return None
    guess = nearest(name, _similar(name, known))
    if guess:
        return f"did you mean {quoted(guess)}?"
    shown = sorted(known)[:10]
    more = len(known) - len(shown)
    return f"there are: {', '.join(shown)}" + (f" and {more} more" if more else "")


def _similar(name: str, known: Mapping[str, Any]) -> list[str]:
    if len(known) <= _GUESSED_AMONG:
        return list(known)
    return sorted(key for key in known if key[:1] == name[:1])[:_GUESSED_AMONG]
