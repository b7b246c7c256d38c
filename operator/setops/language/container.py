"""`container:set`, `container:unset`: how an App's image is started."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from setops.api.app import AppSpec
from setops.api.container import Container, ContainerHealthCheck
from setops.api.definition import StageDefinition
from setops.api.errors import Problem, ProblemsError, Validator
from setops.api.section import APPS
from setops.language import edit, network
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

_TIMES: Final = ("interval", "timeout", "retries", "start-period")


def _change(
    definition: StageDefinition, invocation: Invocation, fields: dict[str, Any]
) -> StageDefinition:
    app = edit.app_of(definition, invocation.app)
    container = edit.part(app.container, fields)
    return edit.change_app(definition, invocation.app, {"container": container})


def _set_words(field: str) -> Command:
    def apply(
        definition: StageDefinition, invocation: Invocation, _context: CommandContext
    ) -> StageDefinition:
        return _change(definition, invocation, {field: list(invocation.arguments)})

    description = Container.model_fields[field].description or ""
    return Command(
        name="container:set",
        setting=field,
        scopes=OF_APP,
        help=description,
        example=f"--app web container:set {field} -- bundle exec puma -b tcp://0.0.0.0:9292",
        arguments=(Argument("WORD", description, arity=Arity.MANY),),
        apply=apply,
    )


def _set_health_check(
    definition: StageDefinition, invocation: Invocation, _context: CommandContext
) -> StageDefinition:
    app: AppSpec = edit.app_of(definition, invocation.app)
    path = APPS.path(invocation.app, "container", "healthCheck")
    check = app.container.health_check if app.container else None
    fields: dict[str, Any] = {}
    problems: list[Problem] = []
    for flag in _TIMES:
        if flag in invocation.flags:
            field = flag.replace("-", "_")
            alias = ContainerHealthCheck.model_fields[field].alias
            try:
                fields[field] = edit.integer(invocation.flags[flag], f"{path}.{alias}")
            except ProblemsError as error:
                problems += error.problems
    if invocation.arguments:
        fields["command"] = list(invocation.arguments)
    elif check is None:
        message = "the health check needs a command: container:set health-check -- CMD…"
        problems.append(Problem(f"{path}.command", Validator.REQUIRED, message))
    if problems:
        raise ProblemsError(problems)
    return _change(definition, invocation, {"health_check": edit.part(check, fields)})


def _unset(setting: str) -> Command:
    field = setting.replace("-", "_")

    def apply(
        definition: StageDefinition, invocation: Invocation, _context: CommandContext
    ) -> StageDefinition:
        return _change(definition, invocation, {field: None})

    return Command(
        name="container:unset",
        setting=setting,
        scopes=OF_APP,
        help=f"Back to none. {Container.model_fields[field].description}",
        example=f"--app web container:unset {setting}",
        apply=apply,
    )


def _port(command: Command) -> Command:
    """The platform publishes `container:set port` as an example; it means `network:set port`."""
    name = command.name.replace("network", "container")
    example = command.example.replace("network", "container")
    return replace(command, name=name, example=example)


def _time(flag: str) -> Flag:
    description = ContainerHealthCheck.model_fields[flag.replace("-", "_")].description or ""
    return Flag(flag, description, Type.INTEGER)


COMMANDS: Final = (
    _set_words("command"),
    _set_words("entrypoint"),
    Command(
        name="container:set",
        setting="health-check",
        scopes=OF_APP,
        help="Command run inside the container that restarts it when it fails. What isn't given "
        "stays as it is.",
        example="--app web container:set health-check --interval 5 -- curl -f localhost:3000",
        arguments=(
            Argument("WORD", "Command and arguments; exit code 0 means healthy.", arity=Arity.ANY),
        ),
        flags=tuple(map(_time, _TIMES)),
        apply=_set_health_check,
    ),
    *map(_unset, ("command", "entrypoint", "health-check")),
    *(_port(command) for command in network.COMMANDS if command.setting == "port"),
)
