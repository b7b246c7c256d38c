"""The base of every model: camelCase in JSON, immutable, refuses unknown fields."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from setops.api.errors import Validator, quoted
from setops.api.validation import refusal

CEL: Final = "x-kubernetes-validations"


class Model(BaseModel):
    """The base of every model."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="forbid",
        frozen=True,
        ser_json_inf_nan="strings",
    )

    def to_json(self) -> dict[str, Any]:
        """The model as the API server stores it: defaults are written, unset fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


@dataclass(frozen=True, slots=True)
class Form:
    """The form that a text must have, checked in the same words by the models and by the API
    server.

    `pattern` must match the whole text and is limited to the syntax that RE2 and Python share.
    `what` completes "must be …" and gives an example. The annotation also needs a maximum length,
    from which the API server computes the cost of the rule.
    """

    pattern: str
    what: str

    def __get_pydantic_core_schema__(
        self, source: type[str], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        rule = rules((f"self.matches({whole(self.pattern)})", f"must be {self.what}"))
        return {**handler(core), "pattern": f"^(?:{self.pattern})$", **rule}

    def _check(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text, re.ASCII):
            message = f"{quoted(text)} is not valid; it must be {self.what}"
            raise refusal(Validator.INVALID_FORMAT, message)
        return text


def whole(pattern: str) -> str:
    """A pattern that must match the whole text, as a CEL literal."""
    return f"r'^(?:{pattern})$'"


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """CEL rules for a schema, each as (expression, message)."""
    return {CEL: [{"rule": rule, "message": message} for rule, message in pairs]}
