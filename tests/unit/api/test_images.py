"""Which references to images are valid: the same at every door.

That the table says what the kubelet's library says is tested in `tests/cluster/sandbox`.
"""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from pydantic import TypeAdapter, ValidationError

from setops.api.app import AppSpec
from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition, load
from setops.api.errors import ProblemsError
from setops.api.image import MAX_LENGTH, Image, Registry
from setops.api.model import CEL
from setops.changes.fold import fold
from setops.language.command import CommandContext, Invocation, Scope
from setops.language.parse import render
from tests.unit.api.images import HEX, INVALID, SHA256, SHA512, VALID
from tests.unit.api.schemas import at

IMAGE: Final[TypeAdapter[str]] = TypeAdapter(Image)
REGISTRY: Final[TypeAdapter[str]] = TypeAdapter(Registry)
CONTEXT: Final = CommandContext("acme", "shop", "production", "registry.example.com/apps")
BASE: Final = load({"apps": {"web": {}}})


def takes(adapter: TypeAdapter[str], text: str) -> bool:
    try:
        return adapter.validate_python(text) == text
    except ValidationError:
        return False


def schema_takes(path: str, text: str) -> bool:
    """Whether all rules of a text's schema hold, as CEL would find."""
    schema = at(path)
    if len(text) > schema["maxLength"]:
        return False
    for rule in schema[CEL]:
        found = re.fullmatch(r"(!?)self\.matches\(r'\^(.*)\$'\)", rule["rule"])
        assert found, rule
        if (re.fullmatch(found[2], text, re.ASCII) is not None) is (found[1] == "!"):
            return False
    return True


def command_takes(text: str) -> bool:
    invocation = Invocation("release:create", Scope(app="web"), (text,), {})
    spec = ChangesetSpec(commands=[render(invocation)])
    return not fold(BASE, spec, CONTEXT).problems


def definition_takes(field: dict[str, Any]) -> bool:
    spec = ChangesetSpec(definition={"apps": {"web": field}})
    return not fold(StageDefinition(), spec, CONTEXT).problems


@pytest.mark.parametrize("text", VALID)
def test_valid_at_every_door(text: str) -> None:
    assert takes(IMAGE, text)
    assert schema_takes("App.spec.image", text)
    assert schema_takes("App.spec.releases.*.image", text)
    assert definition_takes({"image": text})
    assert definition_takes({"releases": {"1": {"image": text}}})
    assert command_takes(text)
    assert load({"apps": {"web": {"image": text}}}).apps["web"].running_image == text


@pytest.mark.parametrize("text", INVALID)
def test_invalid_at_every_door(text: str) -> None:
    assert not takes(IMAGE, text)
    assert not schema_takes("App.spec.image", text)
    assert not schema_takes("App.spec.releases.*.image", text)
    assert not definition_takes({"image": text})
    assert not definition_takes({"releases": {"1": {"image": text}}})
    assert not command_takes(text)
    with pytest.raises(ValidationError):
        AppSpec.model_validate({"image": text})


def test_the_table_is_long_enough_to_be_worth_its_name() -> None:
    assert len({*VALID}) > 80
    assert len({*INVALID}) > 120
    assert {*VALID}.isdisjoint(INVALID)
    assert max(map(len, VALID)) < MAX_LENGTH


@pytest.mark.parametrize("digest", [SHA256, SHA512])
@pytest.mark.parametrize(
    "registry", ["registry.example.com", "Registry.Example.com:5000/Team".lower(), "[::1]:5000/a"]
)
def test_a_bare_digest_is_an_image_of_the_registry(registry: str, digest: str) -> None:
    context = CommandContext("acme", "shop", "production", registry)
    spec = ChangesetSpec(commands=[f"--app web release:create {digest}"])
    folded = fold(BASE, spec, context)
    assert folded.problems == ()
    releases = folded.definition.apps["web"].releases or {}
    assert releases["1"].image == f"{registry}/acme/shop/production/web@{digest}"


@pytest.mark.parametrize("text", [HEX[:64], HEX[:64].upper(), "sha256:0123", "web@sha256:0123"])
def test_what_is_meant_as_a_digest_is_told_how_one_is_written(text: str) -> None:
    (problem,) = fold(
        BASE, ChangesetSpec(commands=[f"--app web release:create {text}"]), CONTEXT
    ).problems
    assert problem.validator == "release_digest_invalid"
    assert "is not a digest; it is sha256: and 64 characters of 0-9 and a-f" in problem.message


def test_a_registry_that_makes_the_path_too_long_is_told() -> None:
    context = CommandContext("acme", "shop", "production", "r.example.com/" + "a" * 240)
    spec = ChangesetSpec(commands=[f"--app web release:create {SHA256}"])
    (problem,) = fold(BASE, spec, context).problems
    assert "at most 255 characters" in problem.message


REGISTRIES: Final = (
    "localhost", "localhost:5000", "r.example.com", "r.example.com:443/team/apps", "REGISTRY/a",
    "Registry.Example.com", "[2001:db8::1]:5000", "[::1]/a", "127.0.0.1:5000/a", "registry",
    "registry/a__b", "012345678901.dkr.ecr.eu-central-1.amazonaws.com/acme",
)  # fmt: skip


@pytest.mark.parametrize("registry", REGISTRIES)
def test_a_registry_begins_a_valid_image(registry: str) -> None:
    assert takes(REGISTRY, registry)
    assert schema_takes("Organization.spec.registry", registry)
    assert takes(IMAGE, f"{registry}/acme/shop/production/web@{SHA256}")


@pytest.mark.parametrize(
    "registry",
    ["", "https://r.example.com", "r.example.com/", "/a", "r x", "r.example.com/A", "r..com",
     "r_x:5000", "::1", "[::1", "r.example.com:1.0/", "a/b:1", f"a@{SHA256}", "r\n", "r.com\0"],
)  # fmt: skip
def test_what_begins_no_image_is_no_registry(registry: str) -> None:
    assert not takes(REGISTRY, registry)
    assert not schema_takes("Organization.spec.registry", registry)


def test_a_definition_names_the_place_of_a_bad_image() -> None:
    with pytest.raises(ProblemsError) as refused:
        load({"apps": {"web": {"image": "f" * 64}}})
    (problem,) = refused.value.problems
    assert problem.field == "apps.web.image"
    assert "not a bare id" in problem.message
