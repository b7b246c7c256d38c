"""Turns a pydantic model into a structural OpenAPI schema as CRDs need it.

Structural means: references are inlined, every node has a type, no alternatives but null (which
becomes "not required"), and no `additionalProperties` beside `properties`: unknown fields are
refused by the API server's strict field validation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from setops.api.model import CEL, Model

Schema = dict[str, Any]

_DROPPED: Final = frozenset({"title", "$defs", "discriminator"})


def structural(model: type[Model]) -> Schema:
    """The schema of a model with defaults, rules and descriptions."""
    schema = model.model_json_schema(by_alias=True)
    return _node(schema, schema.get("$defs", {}))


def partial(model: type[Model]) -> Schema:
    """The schema of any part of a model: nothing is required, and it has no defaults and no rules
    for the form of texts.

    If it had defaults, the API server would fill in what a partial definition leaves out, and
    merging it would reset those fields.
    """
    return _without(structural(model), frozenset({"default", "required", "pattern", CEL}))


def _without(node: Schema, keys: frozenset[str]) -> Schema:
    found: Schema = {}
    for key, value in node.items():
        if key in keys:
            continue
        if key == "properties":
            found[key] = {name: _without(child, keys) for name, child in value.items()}
        elif isinstance(value, dict) and key in ("items", "additionalProperties"):
            found[key] = _without(value, keys)
        else:
            found[key] = value
    return found


def _node(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        rest = {key: value for key, value in node.items() if key != "$ref"}
        # The description of the field says more than the docstring of its model.
        return _node({**target, **rest}, definitions)
    if "anyOf" in node:
        choices = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
        if len(choices) != 1:
            msg = f"a structural schema has no alternatives: {node['anyOf']}"
            raise ValueError(msg)
        rest = {key: value for key, value in node.items() if key != "anyOf"}
        return _node({**choices[0], **rest}, definitions)
    found: Schema = {key: value for key, value in node.items() if key not in _DROPPED}
    if CEL in found:
        # The rule has a message in words, whereas the API server would show the bare pattern.
        found.pop("pattern", None)
    if "default" in found:
        found["default"] = _without_nulls(found["default"])
        if found["default"] is None:
            del found["default"]
    if "const" in found:
        found["enum"] = [found.pop("const")]
    if "properties" in found:
        found.pop("additionalProperties", None)
        found["properties"] = {
            name: _node(child, definitions) for name, child in found["properties"].items()
        }
    elif isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = _node(found["additionalProperties"], definitions)
    elif found.get("additionalProperties") is True:
        found.pop("additionalProperties")
        found["x-kubernetes-preserve-unknown-fields"] = True
    if "items" in found:
        found["items"] = _node(found["items"], definitions)
    return found


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(child) for key, child in value.items() if child is not None}
    return value
