"""The table of commands: what every declaration promises to parser, help and completion."""

from __future__ import annotations

import pytest

from setops.language.command import INNER, Argument, Arity, Command, Flag, Type
from setops.language.parse import parse, render
from setops.language.table import COMMANDS, FORMS

EVERY = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


def test_the_commands_that_stage_a_change() -> None:
    assert set(FORMS) == {
        *("app:create", "app:destroy"),
        *("container:set", "container:unset"),
        *("network:set", "network:unset"),
        *("resource:set", "resource:unset"),
        *("env:set", "env:unset"),
        *("domain:create", "domain:destroy"),
        *("link:create", "link:destroy"),
        *("release:create", "release:activate"),
        *("service:create", "service:destroy"),
        *("option:set", "option:unset"),
        *("notification:create", "notification:destroy"),
    }


@EVERY
def test_the_example_is_read_as_the_command_itself(command: Command) -> None:
    invocation = parse(command.example)
    assert invocation.command == command.key
    assert parse(render(invocation)) == invocation


@EVERY
def test_everything_is_described(command: Command) -> None:
    described = [command.help]
    for value in (*command.arguments, *command.flags):
        assert isinstance(value, Argument | Flag)
        described += [value.description, *(choice.description for choice in value.choices)]
    assert all(text and not text.startswith(" ") for text in described)
    assert command.help.endswith((".", ")"))


@EVERY
def test_only_the_last_argument_takes_several_values(command: Command) -> None:
    assert all(argument.arity is Arity.ONE for argument in command.arguments[:-1])


@EVERY
def test_the_example_shows_the_scopes_that_a_line_must_name(command: Command) -> None:
    scope = parse(command.example).scope
    assert [level for level in INNER if scope.get(level)] == [
        level for level in command.scopes if level in INNER
    ]


@EVERY
def test_the_usage_shows_scopes_and_values(command: Command) -> None:
    assert command.key in command.usage
    for flag in command.flags:
        assert f"--{flag.name}" in command.usage


def test_a_switch_is_a_flag_without_choices() -> None:
    switches = [f for c in COMMANDS.values() for f in c.flags if f.type is Type.SWITCH]
    assert {flag.name for flag in switches} == {"read-only", "primary"}
    assert not any(flag.choices for flag in switches)
