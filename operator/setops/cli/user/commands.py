"""The commands for users."""

from __future__ import annotations

from typing import Final

from setops.cli.base.declare import OF_PROJECT, later
from setops.language.command import Argument, Choice, Flag

COMMANDS: Final = (
    later("user", OF_PROJECT, "Lists the users of a Project or Stage.", "--project shop user"),
    later(
        "user:invite",
        OF_PROJECT,
        "Gives a user a role on a Project or, with --stage, on a Stage.",
        "--project shop user:invite dev@example.com --role member",
        arguments=(Argument("EMAIL", "The user."),),
        flags=(
            Flag(
                "role",
                "What the user may do.",
                choices=(Choice("member", "Uses it."), Choice("admin", "Manages it.")),
            ),
        ),
    ),
    later(
        "user:remove",
        OF_PROJECT,
        "Takes a user's role away.",
        "--project shop user:remove dev@example.com",
        arguments=(Argument("EMAIL", "The user."),),
    ),
)
