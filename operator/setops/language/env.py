"""`env:set`, `env:unset`: an App's environment variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from setops.api.definition import StageDefinition
from setops.api.environment import EnvVar
from setops.api.errors import Problem, ProblemsError, Validator, quoted
from setops.api.keys import ENV_KEYS
from setops.api.section import APPS
from setops.language import edit
from setops.language.command import (
    OF_APP,
    Argument,
    Arity,
    Command,
    CommandContext,
    Flag,
    Invocation,
    Type,
)

Pairs = Sequence[tuple[str, str | None]]
"""Keys and values. The value is None if only the key was given."""

_MAX_TOLD: Final = 20
"""The most bad keys of one line to report one by one. A line has room for thousands."""


def _set(
    definition: StageDefinition, invocation: Invocation, _context: CommandContext
) -> StageDefinition:
    app = edit.app_of(definition, invocation.app)
    pairs = [
        (key, value if equals else None) for key, equals, value in map(_split, invocation.arguments)
    ]
    problems = [*_key_problems(invocation.app, pairs), *_flag_problems(invocation, pairs)]
    if problems:
        raise ProblemsError(problems)
    env: dict[str, Any] = dict(app.env or {})
    for key, value in pairs:
        env[key] = _variable(env.get(key), value, invocation)
    return edit.change_app(definition, invocation.app, {"env": env})


def _split(argument: str) -> tuple[str, str, str]:
    return argument.partition("=")


def _key_problems(app: str, pairs: Pairs) -> list[Problem]:
    problems = []
    for key in dict.fromkeys(key for key, _ in pairs):
        problem = ENV_KEYS.problem(app, key)
        if problem is not None:
            problems.append(problem)
    told, more = problems[:_MAX_TOLD], len(problems) - _MAX_TOLD
    if more > 0:
        message = f"{more} more keys of this line can't be set either; correct these first"
        told.append(Problem(APPS.path(app, "env"), Validator.INVALID_FORMAT, message))
    return told


def _flag_problems(invocation: Invocation, pairs: Pairs) -> list[Problem]:
    field = APPS.path(invocation.app, "env", pairs[0][0])
    for flag in ("description", "secret"):
        if flag in invocation.flags and len(pairs) > 1:
            message = f"--{flag} goes with a single variable; set the others in a line of their own"
            return [Problem(field, Validator.INVALID, message)]
    secret = invocation.flags.get("secret")
    if secret is None:
        return []
    if pairs[0][1] is not None:
        message = (
            f"give either a value or --secret, not both: env:set {pairs[0][0]} --secret NAME/KEY"
        )
        return [Problem(field, Validator.INVALID, message)]
    name, slash, key = secret.partition("/")
    if not (name and slash and key):
        message = (
            f"--secret is {quoted(secret)}; write the Secret's name and the key: --secret NAME/KEY"
        )
        return [Problem(f"{field}.secretRef", Validator.INVALID_FORMAT, message)]
    return []


def _variable(before: object, value: str | None, invocation: Invocation) -> Mapping[str, Any]:
    """The variable's new fields. Setting only the value keeps the description, and the other way
    round."""
    fields: dict[str, Any] = {}
    if isinstance(before, EnvVar):
        fields["description"] = before.description
    description = invocation.flags.get("description")
    if description is not None:
        fields["description"] = description or None
    secret = invocation.flags.get("secret")
    if secret is not None:
        name, _, key = secret.partition("/")
        return {**fields, "secret_ref": {"name": name, "key": key}}
    if value is None and description is not None and isinstance(before, EnvVar):
        return {**vars(before), **fields}
    return {**fields, "value": "true" if value is None else value}


def _unset(
    definition: StageDefinition, invocation: Invocation, _context: CommandContext
) -> StageDefinition:
    env: Mapping[str, Any] | None = edit.app_of(definition, invocation.app).env
    for key in invocation.arguments:
        env = edit.without(env, key, edit.AppMap(invocation.app, "env", "variable"))
    return edit.change_app(definition, invocation.app, {"env": env})


COMMANDS: Final = (
    Command(
        name="env:set",
        scopes=OF_APP,
        help="Sets variables of an App's containers. KEY alone means KEY=true; KEY with "
        "--description changes only the description of a variable that exists.",
        example="--app web env:set RAILS_ENV=production --description 'Mode of the framework'",
        arguments=(Argument("KEY=VALUE", "Variable and value.", Type.ENV_PAIR, arity=Arity.MANY),),
        flags=(
            Flag("description", "What the variable is for; empty removes it."),
            Flag(
                "secret",
                "Takes the value from a Secret in the Stage's namespace: NAME/KEY.",
                Type.SECRET_KEY,
            ),
        ),
        apply=_set,
    ),
    Command(
        name="env:unset",
        scopes=OF_APP,
        help="Removes variables.",
        example="--app web env:unset RAILS_ENV",
        arguments=(Argument("KEY", "Name of the variable.", Type.ENV_KEY, arity=Arity.MANY),),
        apply=_unset,
    ),
)
