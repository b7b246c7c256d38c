"""`app:create`, `app:destroy`."""

from __future__ import annotations

from typing import Final

from setops.api.definition import StageDefinition
from setops.language import edit
from setops.language.command import OF_STAGE, Argument, Command, Context, Invocation, Type


def _create(
    definition: StageDefinition, invocation: Invocation, _context: Context
) -> StageDefinition:
    (name,) = invocation.arguments
    return edit.create(definition, "apps", name, {})


def _destroy(
    definition: StageDefinition, invocation: Invocation, _context: Context
) -> StageDefinition:
    (name,) = invocation.arguments
    return edit.destroy(definition, "apps", name)


COMMANDS: Final = (
    Command(
        name="app:create",
        scopes=OF_STAGE,
        help="Creates an App with all settings at their defaults.",
        example="app:create web",
        arguments=(Argument("NAME", "Name of the App.", Type.NEW_NAME),),
        apply=_create,
        makes=lambda invocation: f"apps.{invocation.arguments[0]}",
    ),
    Command(
        name="app:destroy",
        scopes=OF_STAGE,
        help="Destroys an App with its settings, links and releases.",
        example="app:destroy web",
        arguments=(Argument("NAME", "Name of the App.", Type.APP),),
        apply=_destroy,
    ),
)
