"""`notification:create`, `notification:destroy`."""

from __future__ import annotations

from typing import Final

from setops.api.definition import StageDefinition
from setops.language import edit
from setops.language.command import (
    OF_STAGE,
    Argument,
    Choice,
    Command,
    Context,
    Flag,
    Invocation,
    Type,
)


def _create(
    definition: StageDefinition, invocation: Invocation, _context: Context
) -> StageDefinition:
    (name,) = invocation.arguments
    return edit.create(definition, "notifications", name, invocation.flags)


def _destroy(
    definition: StageDefinition, invocation: Invocation, _context: Context
) -> StageDefinition:
    (name,) = invocation.arguments
    return edit.destroy(definition, "notifications", name)


COMMANDS: Final = (
    Command(
        name="notification:create",
        scopes=OF_STAGE,
        help="Tells a target about events of any App or Service of the Stage.",
        example="notification:create ops --type email --target ops@example.com",
        arguments=(Argument("NAME", "Name of the Notification.", Type.NEW_NAME),),
        flags=(
            Flag(
                "type",
                "How it is told.",
                choices=(
                    Choice("email", "A mail, once the address is confirmed."),
                    Choice("webhook", "A POST per event, once the URL is confirmed."),
                ),
                required=True,
            ),
            Flag("target", "Email address, or http or https URL.", required=True),
        ),
        apply=_create,
        makes=lambda invocation: f"notifications.{invocation.arguments[0]}",
    ),
    Command(
        name="notification:destroy",
        scopes=OF_STAGE,
        help="Stops telling a target.",
        example="notification:destroy ops",
        arguments=(Argument("NAME", "Name of the Notification.", Type.NOTIFICATION),),
        apply=_destroy,
    ),
)
