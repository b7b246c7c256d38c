"""`network:set`, `network:unset`: where an App listens and who may reach it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from setops.api.app import AppSpec
from setops.api.definition import StageDefinition
from setops.api.network import Network, NetworkHealthCheck
from setops.api.section import APPS
from setops.language import edit
from setops.language.command import (
    OF_APP,
    Argument,
    Choice,
    Command,
    CommandContext,
    Invocation,
    Type,
)


def _text(text: str, _field: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class _Setting:
    """A setting: its name in commands, its model and field, and how its value is parsed."""

    name: str
    model: type[Network | NetworkHealthCheck]
    field: str
    type: Type
    example: str
    read: Callable[[str, str], str | int | bool] = _text
    choices: tuple[Choice, ...] = ()

    @property
    def path(self) -> str:
        """The path below `apps.<name>`."""
        return f"network.{'' if self.model is Network else 'healthCheck.'}{self.field}"

    @property
    def description(self) -> str:
        return self.model.model_fields[self.field].description or ""

    def change(self, app: AppSpec, value: Any) -> dict[str, Any]:
        """The fields of the App to replace for this value of the setting."""
        network = app.network
        if self.model is Network:
            return {"network": edit.part(network, {self.field: value})}
        check = edit.part(network.health_check, {self.field: value})
        return {"network": edit.part(network, {"health_check": check})}


_SETTINGS: Final = (
    _Setting(
        "protocol",
        Network,
        "protocol",
        Type.TEXT,
        "tcp",
        choices=(
            Choice("http", "TLS ends at the load balancer, external port 443."),
            Choice("tcp", "The external port is the container's."),
        ),
    ),
    _Setting(
        "public",
        Network,
        "public",
        Type.BOOLEAN,
        "true",
        edit.boolean,
        (Choice("true", "Reachable from outside."), Choice("false", "Only inside the Stage.")),
    ),
    _Setting("port", Network, "port", Type.INTEGER, "3000", edit.integer),
    _Setting("health-check-path", NetworkHealthCheck, "path", Type.TEXT, "/healthz"),
    _Setting("health-check-status", NetworkHealthCheck, "status", Type.TEXT, "200-299,301"),
)


def _set(setting: _Setting) -> Command:
    def apply(
        definition: StageDefinition, invocation: Invocation, _context: CommandContext
    ) -> StageDefinition:
        (text,) = invocation.arguments
        app = edit.app_of(definition, invocation.app)
        value = setting.read(text, APPS.path(invocation.app, setting.path))
        return edit.change_app(definition, invocation.app, setting.change(app, value))

    return Command(
        name="network:set",
        setting=setting.name,
        scopes=OF_APP,
        help=setting.description,
        example=f"--app web network:set {setting.name} {setting.example}",
        arguments=(Argument("VALUE", setting.description, setting.type, setting.choices),),
        apply=apply,
    )


def _unset(setting: _Setting) -> Command:
    def apply(
        definition: StageDefinition, invocation: Invocation, _context: CommandContext
    ) -> StageDefinition:
        app = edit.app_of(definition, invocation.app)
        default = setting.model.model_fields[setting.field].default
        return edit.change_app(definition, invocation.app, setting.change(app, default))

    return Command(
        name="network:unset",
        setting=setting.name,
        scopes=OF_APP,
        help=f"Back to the default. {setting.description}",
        example=f"--app web network:unset {setting.name}",
        apply=apply,
    )


COMMANDS: Final = (*map(_set, _SETTINGS), *map(_unset, _SETTINGS))
