"""`notification:create`, `notification:destroy`."""

from __future__ import annotations

from typing import Final

from setops.api.section import NOTIFICATIONS
from setops.language.command import (
    OF_STAGE,
    Argument,
    Choice,
    Command,
    Flag,
    Type,
)
from setops.language.entry import creator, destroyer, made_in

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
                "How it is notified.",
                choices=(
                    Choice("email", "A mail, once the address is confirmed."),
                    Choice("webhook", "A POST per event, once the URL is confirmed."),
                ),
                required=True,
            ),
            Flag("target", "Email address, or http or https URL.", required=True),
        ),
        apply=creator(NOTIFICATIONS, lambda invocation: invocation.flags),
        makes=made_in(NOTIFICATIONS),
    ),
    Command(
        name="notification:destroy",
        scopes=OF_STAGE,
        help="Stops telling a target.",
        example="notification:destroy ops",
        arguments=(Argument("NAME", "Name of the Notification.", Type.NOTIFICATION),),
        apply=destroyer(NOTIFICATIONS),
    ),
)
