"""All commands by key, built from the families' modules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from setops.language import (
    app,
    container,
    domain,
    env,
    link,
    network,
    notification,
    option,
    release,
    resource,
    service,
)
from setops.language.command import Command

_FAMILIES: Final = (
    app,
    container,
    network,
    resource,
    env,
    domain,
    link,
    release,
    service,
    option,
    notification,
)

COMMANDS: Final[Mapping[str, Command]] = {
    command.key: command for family in _FAMILIES for command in family.COMMANDS
}
"""By key: the name, followed by the setting for a command that has several."""


def _by_name() -> dict[str, tuple[Command, ...]]:
    found: dict[str, list[Command]] = defaultdict(list)
    for command in COMMANDS.values():
        found[command.name].append(command)
    return {name: tuple(forms) for name, forms in found.items()}


FORMS: Final[Mapping[str, tuple[Command, ...]]] = _by_name()
"""By name: the command, or its forms, one for each setting."""
