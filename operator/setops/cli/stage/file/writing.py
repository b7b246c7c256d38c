"""Writes a definition as a file. Fields at their default are left out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from setops.api.definition import StageDefinition
from setops.api.section import Entry
from setops.cli.base.output import yaml_text
from setops.cli.stage.file import format as form
from setops.cli.stage.file.secrets import Reference, as_template, escaped


@dataclass(frozen=True, slots=True)
class Head:
    """What a file contains besides the definition.

    `repositories` are the paths of the Apps' images in the registry, by App. `templates` are the
    original texts of values that were filled in from secrets.
    """

    project: str
    stage: str
    log_retention: int
    repositories: Mapping[str, str]
    templates: Mapping[Reference, str] = field(default_factory=dict)


_INTRODUCTION: Final = (
    "# Stage definition; `setops stage:apply --file FILE` makes the Stage what it says.\n"
)


def write(definition: StageDefinition, head: Head) -> str:
    """The text of the file. Applying it to the same Stage changes nothing."""
    document: dict[str, Any] = {
        "schema_version": form.SCHEMA_VERSION,
        "project": head.project,
        "stage": head.stage,
        "log_retention": head.log_retention,
    }
    for section in form.SECTIONS:
        entries = definition.section(section)
        if entries:
            document[section.name] = {
                name: _entry(entry, head.repositories.get(name, ""), head.templates)
                for name, entry in sorted(entries.items())
            }
    return _INTRODUCTION + yaml_text(document)


def _entry(entry: Entry, repository: str, templates: Mapping[Reference, str]) -> dict[str, Any]:
    found = _model(entry, templates)
    image = found.get("image")
    if repository and image and image.startswith(f"{repository}:") and "@" not in image:
        del found["image"]
        found = {form.IMAGE_TAG: image.removeprefix(f"{repository}:"), **found}
    return found


def _model(model: BaseModel, templates: Mapping[Reference, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        if value is None or value == info.default:
            continue
        key = form.RENAMED.get((type(model).__name__, name), name)
        found[key] = [value] if key == form.PORTS else _value(value, templates)
    reference = found.get("secret_ref")
    template = as_template(reference, templates) if reference else None
    if template is not None:
        del found["secret_ref"]
        found = {"value": template, **found}
    return found


def _value(value: Any, templates: Mapping[Reference, str]) -> Any:
    match value:
        case BaseModel():
            return _model(value, templates)
        case dict():
            return {key: _value(child, templates) for key, child in value.items()}
        case list() | tuple():
            return [_value(child, templates) for child in value]
        case str():
            return escaped(value)
        case _:
            return value
