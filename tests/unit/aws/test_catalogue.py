"""The types of Services and the checks that a plan makes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import create_model

from setops.api.catalogue import (
    SUPPORTED,
    TYPES,
    check_change,
    check_link,
    check_options,
    check_policy,
    check_type,
    parse_option,
    resolve_options,
)
from setops.api.errors import Code, Problem, ProblemsError, Validator
from setops.api.model import Model
from setops.api.option_fields import option_fields
from setops.api.schema import structural
from setops.api.service import ServiceSpec
from setops.api.service_option import OptionKind, OptionSpec, OptionValue
from setops.api.service_type import DeletionPolicy, LinkBy, ServiceType, Wish
from setops.aws.errors import UnsupportedTypeError
from setops.aws.products import PRODUCTS


def test_the_catalogue_knows_the_types_and_options_of_the_resource() -> None:
    schema = structural(ServiceSpec)["properties"]
    assert schema["type"]["enum"] == list(TYPES)
    options = {option.name: option for kind in TYPES.values() for option in kind.options}
    fields = schema["options"]["properties"]
    assert set(fields) == set(options)
    for name, option in options.items():
        field = fields[name]
        assert option.description in field["description"]
        assert (field.get("minimum"), field.get("maximum")) == (option.minimum, option.maximum)


def test_types_that_share_an_option_share_its_field_with_the_widest_bounds() -> None:
    small = OptionSpec("size", OptionKind.INTEGER, "Its size.", default=1, minimum=1, maximum=9)
    large = OptionSpec("size", OptionKind.INTEGER, "Its size.", minimum=5, maximum=20)
    free = OptionSpec("size", OptionKind.INTEGER, "Its size.", minimum=0)
    of_type = {
        name: replace(TYPES["redis"], name=name, options=(option,))
        for name, option in (("one", small), ("two", small), ("three", large), ("four", free))
    }
    one, two, three, four = of_type.values()
    assert field_of(one, two, three) == {
        "minimum": 1,
        "maximum": 20,
        "description": "one, two: Its size. From 1 to 9. Unset: 1. three: Its size. From 5 to 20.",
    }
    assert field_of(three, four) == {
        "minimum": 0,
        "maximum": None,
        "description": "three: Its size. From 5 to 20. four: Its size.",
    }


def field_of(*types: ServiceType) -> dict[str, object]:
    """Bounds and description of the only option of these types."""
    fields: dict[str, Any] = {**option_fields(types)}
    model = create_model("Options", __base__=Model, **fields)
    field = structural(model)["properties"]["size"]
    return {key: field.get(key) for key in ("minimum", "maximum", "description")}


@pytest.mark.parametrize("name", TYPES)
def test_defaults_pass_their_own_checks(name: str) -> None:
    kind = TYPES[name]
    for option in kind.options:
        if option.default is not None:
            assert parse_option(name, option.name, option.default) == option.default
    assert (kind.default_version is None) == (not kind.versions)
    assert not check_policy(name, kind.default_policy)


def test_every_supported_type_has_a_product() -> None:
    assert SUPPORTED == ("postgresql", "s3")
    for name in SUPPORTED:
        assert PRODUCTS.of(name).type_name == name


@pytest.mark.parametrize(
    ("name", "code"),
    [("redis", Code.CURRENTLY_NOT_SUPPORTED), ("oracle", Code.VALIDATION_FAILED)],
)
def test_a_type_that_is_not_built_is_refused_naming_what_is(name: str, code: Code) -> None:
    (problem,) = check_type(name)
    assert (problem.field, problem.code) == ("type", code)
    assert problem.message.endswith(": postgresql, s3")
    assert check_options(name, "1", "any", {"odd": 1}) == [problem]
    with pytest.raises(UnsupportedTypeError) as caught:
        PRODUCTS.of(name)
    assert caught.value.code == code


REFUSED: dict[str, tuple[str | None, str | None, dict[str, OptionValue], str, Validator]] = {
    "a version of what has none": ("1", None, {}, "version", Validator.INVALID),
    "a plan of what has none": (None, "big", {}, "plan", Validator.INVALID),
    "an unknown option": (None, None, {"size": 1}, "options.size", Validator.NOT_INCLUDED),
    "neither true nor false": (
        None,
        None,
        {"blockPublicAccess": "maybe"},
        "options.blockPublicAccess",
        Validator.NOT_INCLUDED,
    ),
    "a number for true": (
        None,
        None,
        {"blockPublicAccess": 1},
        "options.blockPublicAccess",
        Validator.NOT_INCLUDED,
    ),
}


@pytest.mark.parametrize(
    ("version", "plan", "options", "field", "validator"), REFUSED.values(), ids=REFUSED
)
def test_what_s3_refuses(
    version: str | None,
    plan: str | None,
    options: dict[str, OptionValue],
    field: str,
    validator: Validator,
) -> None:
    (problem,) = check_options("s3", version, plan, options)
    assert (problem.field, problem.validator) == (field, validator)


def test_all_problems_are_told_at_once() -> None:
    problems = check_options("s3", "1", "big", {"size": 1, "blockPublicAccess": "no"})
    assert [problem.field for problem in problems] == [
        "version",
        "plan",
        "options.size",
        "options.blockPublicAccess",
    ]


NUMBERS: list[tuple[OptionValue, int | Validator]] = [
    (1, 1),
    ("1024", 1024),
    (0, Validator.GREATER_THAN_OR_EQUAL),
    (1025, Validator.LESS_THAN_OR_EQUAL),
    ("ten", Validator.NOT_AN_INTEGER),
    (True, Validator.NOT_AN_INTEGER),
    ("1.5", Validator.NOT_AN_INTEGER),
]


@pytest.mark.parametrize(("value", "expected"), NUMBERS)
def test_numbers_have_bounds(value: OptionValue, expected: int | Validator) -> None:
    parsed = parse_option("elasticsearch", "storage", value)
    assert (parsed.validator if isinstance(parsed, Problem) else parsed) == expected


def test_extensions_are_checked_and_then_said_to_be_the_users_own_work() -> None:
    refused = parse_option("postgresql", "extensions", ["a b"])
    assert isinstance(refused, Problem)
    assert refused.validator is Validator.INVALID_FORMAT
    refused = parse_option("postgresql", "extensions", "hstore, ltree")
    assert isinstance(refused, Problem)
    assert refused.code is Code.CURRENTLY_NOT_SUPPORTED
    assert "CREATE EXTENSION" in refused.message


POSTGRESQL: dict[str, tuple[str | None, str | None, dict[str, OptionValue], str]] = {
    "a version that isn't": ("9.6", None, {}, "version"),
    "the shared plan": (None, "shared", {}, "plan"),
    "a node type of another product": (None, "cache.t3.micro", {}, "plan"),
    "another suffix": (None, "db.t3.micro.multi", {}, "plan"),
    "less storage than AWS has": (None, None, {"minStorage": 10}, "options.minStorage"),
    "no room to grow": (None, None, {"minStorage": 50, "maxStorage": 40}, "options.maxStorage"),
    "too little to grow": (None, None, {"minStorage": 50, "maxStorage": 54}, "options.maxStorage"),
}


@pytest.mark.parametrize(
    ("version", "plan", "options", "field"), POSTGRESQL.values(), ids=POSTGRESQL
)
def test_what_postgresql_refuses(
    version: str | None, plan: str | None, options: dict[str, OptionValue], field: str
) -> None:
    (problem,) = check_options("postgresql", version, plan, options)
    assert problem.field == field
    shared = plan == "shared"
    assert problem.code is (Code.CURRENTLY_NOT_SUPPORTED if shared else Code.VALIDATION_FAILED)


def test_what_postgresql_takes() -> None:
    for version in ("13", "16.4", "15.x"):
        assert not check_options("postgresql", version, None, {})
    for plan in ("db.t3.micro", "db.m5.2xlarge.ha"):
        assert not check_options("postgresql", None, plan, {"minStorage": 50, "maxStorage": 55})
    assert not check_options("postgresql", None, None, {"minStorage": 50, "maxStorage": 50})


CHANGES: dict[str, tuple[Wish, Wish, list[str]]] = {
    "storage grows": (Wish(None, {}), Wish(None, {"minStorage": 30}), []),
    "storage shrinks": (
        Wish(None, {"minStorage": "40"}),
        Wish(None, {"minStorage": 30}),
        ["options.minStorage"],
    ),
    "storage shrinks to the default": (
        Wish(None, {"minStorage": 40}),
        Wish(None, {}),
        ["options.minStorage"],
    ),
    "a newer version": (Wish("15", {}), Wish("16.2", {}), []),
    "a version more precisely": (Wish("16", {}), Wish("16.2", {}), []),
    "a version less precisely": (Wish("16.2", {}), Wish("16.x", {}), []),
    "whichever version": (Wish("16", {}), Wish(None, {}), []),
    "an older version": (Wish("16", {}), Wish("15.7", {}), ["version"]),
    "an older minor version": (Wish("16.4", {}), Wish("16.2", {}), ["version"]),
    "both": (
        Wish("16", {"minStorage": 40}),
        Wish("15", {"minStorage": 20}),
        ["version", "options.minStorage"],
    ),
}


@pytest.mark.parametrize(("before", "after", "fields"), CHANGES.values(), ids=CHANGES)
def test_what_aws_cannot_make_of_a_database(before: Wish, after: Wish, fields: list[str]) -> None:
    assert [each.field for each in check_change("postgresql", before, after)] == fields


def test_options_are_typed_and_defaults_filled_in() -> None:
    assert resolve_options("s3", {}) == {"blockPublicAccess": True}
    assert resolve_options("s3", {"blockPublicAccess": "false"}) == {"blockPublicAccess": False}
    with pytest.raises(ProblemsError):
        resolve_options("s3", {"blockPublicAccess": "no"})


def test_s3_keeps_its_data_unless_told_otherwise_and_has_no_snapshots() -> None:
    assert TYPES["s3"].default_policy is DeletionPolicy.RETAIN
    assert not check_policy("s3", "Delete")
    (problem,) = check_policy("s3", "Snapshot")
    assert problem.message == "Amazon S3 has no final snapshots; use one of: Retain, Delete"


def test_a_link_says_which_flag_the_type_needs() -> None:
    assert not check_link("s3", LinkBy.ENV_KEY)
    assert not check_link("volume", LinkBy.PATH)
    (problem,) = check_link("volume", LinkBy.ENV_KEY)
    assert problem == Problem(
        "path",
        Validator.REQUIRED,
        "a service of type volume is linked with --path, not with --env-key",
    )
