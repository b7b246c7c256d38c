"""The commands that show Apps, and those for Tasks and logs."""

from __future__ import annotations

from typing import Final

from setops.cli.base.declare import later, show
from setops.language.command import OF_APP, OF_STAGE, Argument, Arity, Flag, Level, Type

_CMD: Final = Argument("CMD", "Command and arguments.", arity=Arity.ANY)
_ID: Final = Argument("ID", "Its id.")

COMMANDS: Final = (
    show("app", OF_STAGE, "Lists the Apps.", watch=True, run="app.index"),
    show(
        "app:info",
        OF_STAGE,
        "Shows an App: its settings, what runs of it, and what is not ready for production.",
        named=Level.APP,
        type_=Type.APP,
        watch=True,
        run="app.info",
    ),
    show(
        "app:ps",
        OF_STAGE,
        "Lists the containers of an App.",
        named=Level.APP,
        type_=Type.APP,
        watch=True,
        run="app.ps",
    ),
    show("container", OF_APP, "Shows how an App's image is started.", run="app.container"),
    show("network", OF_APP, "Shows where an App listens and who may reach it.", run="app.network"),
    show(
        "resource",
        OF_APP,
        "Shows what an App's containers get, and how many run.",
        run="app.resource",
    ),
    show("env", OF_APP, "Lists the variables of an App.", run="app.env"),
    show("domain", OF_APP, "Lists the domains of an App.", run="app.domain"),
    show("link", OF_APP, "Lists the Services that an App links.", run="app.link"),
    show("release", OF_APP, "Lists the releases of an App.", run="app.release"),
    later(
        "domain:validate",
        OF_APP,
        "Checks the DNS records of a domain.",
        "--app web domain:validate www.example.com",
        arguments=(Argument("NAME", "The host name.", Type.DOMAIN),),
    ),
    later("task", OF_APP, "Lists the running Tasks of an App.", "--app web task"),
    later(
        "task:run",
        OF_APP,
        "Starts a container of the App for one command.",
        "--app web task:run -- rake db:migrate",
        arguments=(_CMD,),
        flags=(
            Flag("release", "Release to run; without it the active one.", Type.RELEASE),
            Flag("cpu", "CPU units.", Type.INTEGER),
            Flag("memory", "Memory in MB.", Type.INTEGER),
            Flag("entrypoint", "Program in place of the image's own."),
            Flag("detached", "Doesn't wait for the end.", Type.SWITCH),
            Flag("detach-timeout", "How long it may run detached, such as 10m."),
            Flag("interactive", "Connects the terminal.", Type.SWITCH),
        ),
    ),
    later(
        "task:attach",
        OF_APP,
        "Runs a command in a running Task.",
        "--app web task:attach 3f9a -- sh",
        arguments=(_ID, _CMD),
    ),
    later("task:stop", OF_APP, "Stops a Task.", "--app web task:stop 3f9a", arguments=(_ID,)),
    later(
        "log",
        OF_APP,
        "Shows the log of an App.",
        "--app web log -n 100 --follow",
        flags=(
            Flag("number", "Lines, 1 to 9999; without it 250.", Type.INTEGER, short="n"),
            Flag("follow", "Goes on with new lines.", Type.SWITCH, short="f"),
            Flag("after", "Only what came after this time, RFC 3339 or a part of it."),
            Flag("before", "Only what came before this time."),
            Flag("task", "Only of this Task."),
            Flag("no-source", "Leaves out where a line comes from.", Type.SWITCH),
            Flag("all-health-checks", "Also successful health checks.", Type.SWITCH),
        ),
    ),
)
