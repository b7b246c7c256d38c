"""The commands of the command line itself, declared beside those of the language."""

from __future__ import annotations

from typing import Final

from setops.cli.own import changesets, later, parts, places, program

OWN: Final = (
    *places.COMMANDS,
    *parts.COMMANDS,
    *changesets.COMMANDS,
    *later.COMMANDS,
    *program.COMMANDS,
)
