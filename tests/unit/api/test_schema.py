"""From a pydantic model to a structural schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, StringConstraints

from setops.api.model import CEL, Form, Model, rules
from setops.api.schema import partial, structural


class Inner(Model):
    """The model's own words."""

    size: int = Field(3, ge=1, description="How much.")
    note: str | None = Field(None, description="Why.")


class Sample(Model):
    """All that models are made of."""

    kind: Literal["only"] = Field("only", description="One value.")
    code: Annotated[str, StringConstraints(max_length=5), Form("[a-z]+", "letters")] | None = Field(
        None, description="Code."
    )
    plain: Annotated[str, StringConstraints(pattern="^x$")] = Field(description="Needed.")
    inner: Inner = Field(default=Inner(), description="What the place says.")
    many: dict[str, Inner] | None = Field(None, description="By name.")
    listed: list[Inner] = Field(default_factory=list, description="In order.")
    anything: dict[str, Any] | None = Field(None, description="Free.")
    default: str | None = Field(None, description="A field with a keyword's name.")
    required: bool = Field(False, description="Another.", json_schema_extra=rules(("self", "no")))


PROPERTIES = structural(Sample)["properties"]


def test_a_reference_is_replaced_by_what_it_stands_for() -> None:
    size = {"type": "integer", "minimum": 1, "default": 3, "description": "How much."}
    note = {"type": "string", "description": "Why."}
    inner = {"type": "object", "properties": {"size": size, "note": note}}
    assert PROPERTIES["inner"] == {
        **inner,
        "description": "What the place says.",
        "default": {"size": 3},
    }
    described = {**inner, "description": "The model's own words."}
    assert PROPERTIES["many"]["additionalProperties"] == described
    assert PROPERTIES["listed"]["items"] == described


def test_what_may_be_null_is_not_required() -> None:
    assert structural(Sample)["required"] == ["plain"]
    assert PROPERTIES["default"] == {
        "type": "string",
        "description": "A field with a keyword's name.",
    }


def test_one_value_is_an_enumeration() -> None:
    assert PROPERTIES["kind"]["enum"] == ["only"]
    assert "const" not in PROPERTIES["kind"]


def test_anything_is_kept_as_it_is() -> None:
    assert PROPERTIES["anything"]["x-kubernetes-preserve-unknown-fields"] is True
    assert "additionalProperties" not in PROPERTIES["anything"]


def test_a_form_is_told_in_words_instead_of_a_pattern() -> None:
    assert PROPERTIES["code"] == {
        "type": "string",
        "maxLength": 5,
        "description": "Code.",
        CEL: [{"rule": "self.matches(r'^(?:[a-z]+)$')", "message": "must be letters"}],
    }
    assert Sample.model_json_schema()["properties"]["code"]["anyOf"][0]["pattern"], "for editors"
    assert PROPERTIES["plain"]["pattern"] == "^x$"


def test_alternatives_are_refused() -> None:
    class Either(Model):
        value: int | str

    with pytest.raises(ValueError, match="no alternatives"):
        structural(Either)


def test_any_part_of_it_is_a_partial_one() -> None:
    schema = partial(Sample)
    assert "required" not in schema
    found = schema["properties"]
    assert set(found) == set(PROPERTIES), "a field may have a keyword's name"
    assert found["required"] == {"type": "boolean", "description": "Another."}
    assert "default" not in found["inner"]
    assert "default" not in found["inner"]["properties"]["size"]
    assert "default" not in found["many"]["additionalProperties"]["properties"]["size"]
    assert "default" not in found["listed"]["items"]["properties"]["size"]
    assert found["inner"]["properties"]["size"]["minimum"] == 1, "bounds stay"
    assert CEL not in found["code"]


def test_making_a_partial_schema_leaves_the_whole_one_alone() -> None:
    partial(Sample)
    assert structural(Sample)["properties"] == PROPERTIES
