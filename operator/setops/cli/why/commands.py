"""The command that finds what blocks."""

from __future__ import annotations

from typing import Final

from setops.cli.base.declare import OUTPUT, Own
from setops.language.command import OF_STAGE, Argument, Arity

COMMANDS: Final = (
    Own(
        name="why",
        scopes=OF_STAGE,
        help="Finds the first thing that blocks the Stage, an App or a Service, and says what to "
        "do.",
        example="why app web",
        arguments=(
            Argument(
                "WHAT",
                "app or service, and its name; without: the whole Stage.",
                arity=Arity.ANY,
            ),
        ),
        flags=(OUTPUT,),
        reads=True,
        run="why.index",
    ),
)
