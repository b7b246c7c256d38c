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


class TextRule:
    """A rule for a text, checked in the same words by the models and by the API server.

    `what` completes "must be …". The annotation also needs a maximum length, from which the API
    server computes the cost of the rule. A text may have several rules.
    """

    what: str

    def holds(self, text: str) -> bool:
        """Whether the text obeys it."""
        raise NotImplementedError

    def cel(self) -> str:
        """The same in CEL."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(
        self, source: type[str], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core)
        rule = rules((self.cel(), f"must be {self.what}"))
        return {**schema, **self._of_json_schema(), CEL: [*schema.get(CEL, ()), *rule[CEL]]}

    def _of_json_schema(self) -> dict[str, Any]:
        """What JSON schema has words of its own for."""
        return {}

    def _check(self, text: str) -> str:
        if not self.holds(text):
            message = f"{quoted(text)} is not valid; it must be {self.what}"
            raise refusal(Validator.INVALID_FORMAT, message)
        return text


@dataclass(frozen=True, slots=True)
class Form(TextRule):
    """The form that a text must have.

    `pattern` must match the whole text and is limited to the syntax that RE2 and Python share.
    `what` gives an example.
    """

    pattern: str
    what: str

    def holds(self, text: str) -> bool:
        """Whether the whole text has the form."""
        return re.fullmatch(self.pattern, text, re.ASCII) is not None

    def cel(self) -> str:
        """The same in CEL."""
        return f"self.matches({whole(self.pattern)})"

    def _of_json_schema(self) -> dict[str, Any]:
        return {"pattern": f"^(?:{self.pattern})$"}


@dataclass(frozen=True, slots=True)
class Not(TextRule):
    """A form that a text must not have; otherwise as `Form`."""

    pattern: str
    what: str

    def holds(self, text: str) -> bool:
        """Whether the whole text doesn't have the form."""
        return re.fullmatch(self.pattern, text, re.ASCII) is None

    def cel(self) -> str:
        """The same in CEL."""
        return f"!self.matches({whole(self.pattern)})"


@dataclass(frozen=True, slots=True)
class Passable(TextRule):
    """What can be handed to a program: any text but NUL, which ends a text there.

    Where texts are long and many, CEL would be too `dear` for the API server. It gets a pattern
    there, which costs it nothing, and has no words for it.
    """

    what: str = "text without NUL characters, which no program can be given"
    dear: bool = False

    def holds(self, text: str) -> bool:
        """Whether there is no NUL."""
        return "\0" not in text

    def cel(self) -> str:
        """The same in CEL."""
        return r"!self.contains('\x00')"

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        if self.dear:
            return {**handler(core), "pattern": r"^[^\x00]*$"}
        # Without arguments, `super` doesn't work in a dataclass with slots.
        return super(Passable, self).__get_pydantic_json_schema__(core, handler)


def whole(pattern: str) -> str:
    """A pattern that must match the whole text, as a CEL literal."""
    return f"r'^(?:{pattern})$'"


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """CEL rules for a schema, each as (expression, message)."""
    return {CEL: [{"rule": rule, "message": message} for rule, message in pairs]}
