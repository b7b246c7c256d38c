"""The commands for Projects."""

from __future__ import annotations

from typing import Final

from setops.cli.base.declare import DETACH, FORCE, Own, named_argument, show
from setops.language.command import Arity, Flag, Level, Type

COMMANDS: Final = (
    show("project", (), "Lists the Projects.", run="project.index"),
    Own(
        name="project:create",
        scopes=(),
        help="Creates a Project, at once.",
        example="project:create myproject",
        arguments=named_argument("Project", Type.NEW_NAME),
        flags=(Flag("organization", "Organization that hosts it; without it: the only one."),),
        run="project.create",
    ),
    show("project:info", (), "Shows a Project.", named=Level.PROJECT, run="project.info"),
    Own(
        name="project:destroy",
        scopes=(),
        help="Destroys a Project with all its Stages; their data as the deletion policies say.",
        example="project:destroy myproject --force",
        arguments=named_argument("Project", arity=Arity.OPTIONAL),
        flags=(FORCE, DETACH),
        named=Level.PROJECT,
        run="project.destroy",
    ),
)
