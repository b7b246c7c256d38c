"""The JSON Schema of definition files, made from the models. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

from setops.api.definition import StageDefinition
from setops.api.schema import structural
from setops.cli.stage.file import format as form

Schema = dict[str, Any]

_DROPPED: Final = re.compile(r"x-kubernetes-.*|default")


def schema() -> Schema:
    """The schema for editors, in draft 2020-12."""
    sections = _node(structural(StageDefinition))["properties"]
    app = sections["apps"]["additionalProperties"]["properties"]
    app[form.DOMAINS] = {
        "description": "Custom domains: a list of names, or a map by name.",
        "oneOf": [app.pop("domains"), {"type": "array", "items": {"type": "string"}}],
    }
    port = app["network"]["properties"].pop("port")
    app["network"]["properties"][form.PORTS] = {
        "type": "array",
        "description": port.pop("description"),
        "items": port,
        "minItems": 1,
        "maxItems": 1,
    }
    app[form.IMAGE_TAG] = {
        "type": "string",
        "description": "Tag of the image in the Organization's registry, in place of image. An App "
        "for which the file names no image keeps what it runs.",
    }
    variable = app["env"]["additionalProperties"]
    app["env"]["additionalProperties"] = {"oneOf": [variable, {"type": "string"}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "SetOps Stage definition",
        "type": "object",
        "additionalProperties": False,
        "required": ["schema_version"],
        "properties": {
            "schema_version": {"const": form.SCHEMA_VERSION},
            "project": {"type": "string", "description": "Name of the Project."},
            "stage": {"type": "string", "description": "Name of the Stage."},
            "log_retention": {
                "type": "integer",
                "minimum": 1,
                "maximum": 3653,
                "description": "Days that logs are kept.",
            },
            **{section.name: sections[section.name] for section in form.SECTIONS},
        },
    }


def _node(node: Schema) -> Schema:
    found: Schema = {}
    for key, value in node.items():
        if _DROPPED.fullmatch(key):
            continue
        if key == "properties":
            found[key] = {_snake(name): _node(child) for name, child in value.items()}
            found.setdefault("additionalProperties", False)
        elif key == "required":
            found[key] = [_snake(name) for name in value]
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            found[key] = _node(value)
        elif key == "maxLength" and value > _READABLE:
            continue
        else:
            found[key] = value
    return found


_READABLE: Final = 10_000


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])[A-Z]", lambda found: f"_{found[0].lower()}", name)
