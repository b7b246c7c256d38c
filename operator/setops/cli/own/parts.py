"""What a Stage consists of, shown as it is committed."""

from __future__ import annotations

from typing import Final

from setops.cli.declare import OUTPUT, Own, show
from setops.language.command import OF_APP, OF_SERVICE, OF_STAGE, Argument, Arity, Level, Type

COMMANDS: Final = (
    show("app", OF_STAGE, "Lists the Apps.", watch=True),
    show(
        "app:info",
        OF_STAGE,
        "Shows an App: its settings, what runs of it, and what is not ready for production.",
        named=Level.APP,
        type_=Type.APP,
        watch=True,
    ),
    show(
        "app:ps",
        OF_STAGE,
        "Lists the containers of an App.",
        named=Level.APP,
        type_=Type.APP,
        watch=True,
    ),
    show("container", OF_APP, "Shows how an App's image is started."),
    show("network", OF_APP, "Shows where an App listens and who may reach it."),
    show("resource", OF_APP, "Shows what an App's containers get, and how many run."),
    show("env", OF_APP, "Lists the variables of an App."),
    show("domain", OF_APP, "Lists the domains of an App."),
    show("link", OF_APP, "Lists the Services that an App links."),
    show("release", OF_APP, "Lists the releases of an App."),
    show("service", OF_STAGE, "Lists the Services.", watch=True),
    show(
        "service:info",
        OF_STAGE,
        "Shows a Service.",
        named=Level.SERVICE,
        type_=Type.SERVICE,
        watch=True,
    ),
    show("option", OF_SERVICE, "Lists the options of a Service."),
    show("notification", OF_STAGE, "Lists the Notifications."),
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
        run="why:why",
    ),
)
