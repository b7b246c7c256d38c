"""`app:create`, `app:destroy`."""

from __future__ import annotations

from typing import Final

from setops.api.section import APPS
from setops.language.command import OF_STAGE, Argument, Command, Type
from setops.language.entry import creator, destroyer, made_in

COMMANDS: Final = (
    Command(
        name="app:create",
        scopes=OF_STAGE,
        help="Creates an App with all settings at their defaults.",
        example="app:create web",
        arguments=(Argument("NAME", "Name of the App.", Type.NEW_NAME),),
        apply=creator(APPS, lambda _: {}),
        makes=made_in(APPS),
    ),
    Command(
        name="app:destroy",
        scopes=OF_STAGE,
        help="Destroys an App with its settings, links and releases.",
        example="app:destroy web",
        arguments=(Argument("NAME", "Name of the App.", Type.APP),),
        apply=destroyer(APPS),
    ),
)
