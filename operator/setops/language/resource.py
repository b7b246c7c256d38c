"""`resource:set`, `resource:unset`: what an App's containers get, and how many run.

The bounds of each value are in `Resources` in `api/container.py`; `edit.change` checks them.
"""

from __future__ import annotations

from typing import Final

from setops.api.container import Resources
from setops.api.definition import StageDefinition
from setops.api.section import APPS
from setops.language import edit
from setops.language.command import OF_APP, Argument, Command, CommandContext, Invocation, Type

_EXAMPLES: Final = {"cpu": "256", "memory": "512", "scale": "2"}


def _change(
    definition: StageDefinition, invocation: Invocation, setting: str, value: int
) -> StageDefinition:
    app = edit.app_of(definition, invocation.app)
    resources = edit.part(app.resources, {setting: value})
    return edit.change_app(definition, invocation.app, {"resources": resources})


def _set(setting: str) -> Command:
    def apply(
        definition: StageDefinition, invocation: Invocation, _context: CommandContext
    ) -> StageDefinition:
        (text,) = invocation.arguments
        value = edit.integer(text, APPS.path(invocation.app, "resources", setting))
        return _change(definition, invocation, setting, value)

    description = Resources.model_fields[setting].description or ""
    return Command(
        name="resource:set",
        setting=setting,
        scopes=OF_APP,
        help=description,
        example=f"--app web resource:set {setting} {_EXAMPLES[setting]}",
        arguments=(Argument("VALUE", description, Type.INTEGER),),
        apply=apply,
    )


def _unset(setting: str) -> Command:
    default: int = Resources.model_fields[setting].default

    def apply(
        definition: StageDefinition, invocation: Invocation, _context: CommandContext
    ) -> StageDefinition:
        return _change(definition, invocation, setting, default)

    return Command(
        name="resource:unset",
        setting=setting,
        scopes=OF_APP,
        help=f"Back to the default, {default}. {Resources.model_fields[setting].description}",
        example=f"--app web resource:unset {setting}",
        apply=apply,
    )


COMMANDS: Final = (*map(_set, _EXAMPLES), *map(_unset, _EXAMPLES))
