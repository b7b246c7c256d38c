"""The base of every model: camelCase in JSON, unknown fields refused, never mutated."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

CEL: Final = "x-kubernetes-validations"


class Model(BaseModel):
    """An immutable piece of what users write, in the resources' own spelling."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="forbid",
        frozen=True,
        ser_json_inf_nan="strings",
    )

    def to_json(self) -> dict[str, Any]:
        """The model as the API server stores it: absent fields left out, defaults written."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """CEL rules for a schema, each as (expression, message)."""
    return {CEL: [{"rule": rule, "message": message} for rule, message in pairs]}


def rule_with_expression(rule: str, message_expression: str) -> dict[str, str]:
    """A CEL rule whose message is computed, so that it can name the offending key."""
    return {"rule": rule, "messageExpression": message_expression}


def map_key_rule(pattern: str, what: str, remedy: str) -> dict[str, Any]:
    """The rule that all keys of a map match a pattern; the message names the first that doesn't."""
    expression = f"k.matches('^{pattern}$')"
    return {
        CEL: [
            rule_with_expression(
                f"self.all(k, {expression})",
                f'"{what} \'" + self.filter(k, !{expression})[0] + "\' is not valid: {remedy}"',
            )
        ]
    }
