"""The command that shows the Notifications."""

from __future__ import annotations

from typing import Final

from setops.cli.base.declare import show
from setops.language.command import OF_STAGE

COMMANDS: Final = (
    show("notification", OF_STAGE, "Lists the Notifications.", run="notification.index"),
)
