"""All commands by name: those of the language, and the command line's own.

The language's declarations are read from `staged.json`, which `make docs` writes; a test fails if
it is stale. Reading it takes a millisecond, whereas loading the language takes a third of a second.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from setops.cli.app import commands as app
from setops.cli.changeset import commands as changeset
from setops.cli.client import commands as client
from setops.cli.notification import commands as notification
from setops.cli.organization import commands as organization
from setops.cli.project import commands as project
from setops.cli.service import commands as service
from setops.cli.stage import commands as stage
from setops.cli.user import commands as user
from setops.cli.why import commands as why
from setops.language.command import Argument, Arity, Choice, Declaration, Flag, Level, Type

_NOUNS: Final = (
    organization,
    project,
    stage,
    app,
    service,
    notification,
    changeset,
    user,
    why,
    client,
)
STAGED: Final = Path(__file__).with_name("staged.json")

FAMILIES: Final = (
    ("organization", "Organization"),
    ("project", "Project"),
    ("stage", "Stage"),
    ("app", "Apps"),
    ("container", "Apps"),
    ("network", "Apps"),
    ("resource", "Apps"),
    ("env", "Apps"),
    ("domain", "Apps"),
    ("link", "Apps"),
    ("release", "Apps"),
    ("task", "Apps"),
    ("log", "Apps"),
    ("service", "Services"),
    ("option", "Services"),
    ("backup", "Services"),
    ("notification", "Notifications"),
    ("changeset", "Changesets"),
    ("user", "Users"),
    ("why", "Help"),
    ("use", "Help"),
    ("login", "Help"),
    ("logout", "Help"),
    ("completion", "Help"),
    ("version", "Help"),
    ("help", "Help"),
)
"""The families in the order in which help lists them, each with its heading."""


@cache
def declarations() -> Mapping[str, Declaration]:
    """All commands by key, family by family."""
    found = {each.key: each for each in (*_staged(), *_own())}
    order = {family: place for place, (family, _) in enumerate(FAMILIES)}
    keys = sorted(found, key=lambda key: order[key.split(" ")[0].split(":")[0]])
    return {key: found[key] for key in keys}


@cache
def forms() -> Mapping[str, tuple[Declaration, ...]]:
    """All commands by name: the command, or its forms, one for each setting."""
    found: dict[str, tuple[Declaration, ...]] = {}
    for each in declarations().values():
        found[each.name] = (*found.get(each.name, ()), each)
    return found


def written(declaration: Declaration) -> dict[str, Any]:
    """A declaration as it is stored in `staged.json`."""
    return {
        "name": declaration.name,
        "setting": declaration.setting,
        "scopes": list(declaration.scopes),
        "help": declaration.help,
        "example": declaration.example,
        "arguments": [
            {
                "name": argument.name,
                "description": argument.description,
                "type": argument.type,
                "choices": _choices(argument.choices),
                "arity": argument.arity,
            }
            for argument in declaration.arguments
        ],
        "flags": [
            {
                "name": flag.name,
                "description": flag.description,
                "type": flag.type,
                "choices": _choices(flag.choices),
                "required": flag.required,
            }
            for flag in declaration.flags
        ],
    }


def _choices(choices: tuple[Choice, ...]) -> list[list[str]]:
    return [[choice.value, choice.description] for choice in choices]


def _own() -> list[Declaration]:
    return [command for noun in _NOUNS for command in noun.COMMANDS]


def _staged() -> list[Declaration]:
    return [_read(raw) for raw in json.loads(STAGED.read_text(encoding="utf-8"))]


def _read(raw: dict[str, Any]) -> Declaration:
    return Declaration(
        name=raw["name"],
        setting=raw["setting"],
        scopes=tuple(map(Level, raw["scopes"])),
        help=raw["help"],
        example=raw["example"],
        arguments=tuple(
            Argument(
                argument["name"],
                argument["description"],
                Type(argument["type"]),
                tuple(Choice(*pair) for pair in argument["choices"]),
                Arity(argument["arity"]),
            )
            for argument in raw["arguments"]
        ),
        flags=tuple(
            Flag(
                flag["name"],
                flag["description"],
                Type(flag["type"]),
                tuple(Choice(*pair) for pair in flag["choices"]),
                required=flag["required"],
            )
            for flag in raw["flags"]
        ),
    )
