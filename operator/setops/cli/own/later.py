"""Commands that this version only knows."""

from __future__ import annotations

from typing import Final

from setops.cli.declare import OF_PROJECT, later
from setops.language.command import OF_APP, OF_SERVICE, Argument, Arity, Choice, Flag, Type

_CMD: Final = Argument("CMD", "Command and arguments.", arity=Arity.ANY)
_ID: Final = Argument("ID", "Its id.")
COMMANDS: Final = (
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
    later("backup", OF_SERVICE, "Lists the backups of a Service.", "--service store backup"),
    later("backup:create", OF_SERVICE, "Makes a backup.", "--service store backup:create"),
    *(
        later(
            f"backup:{verb}",
            OF_SERVICE,
            help_,
            f"--service store backup:{verb} 3f9a",
            arguments=(_ID,),
        )
        for verb, help_ in (
            ("info", "Shows a backup."),
            ("destroy", "Destroys a backup."),
            ("download", "Downloads a backup."),
            ("restore", "Restores a backup on top of what is there."),
        )
    ),
    later(
        "backup:upload",
        OF_SERVICE,
        "Uploads a file as a backup.",
        "--service store backup:upload store.tar.gz",
        arguments=(Argument("FILE", "The file."),),
    ),
    later(
        "backup:schedule",
        OF_SERVICE,
        "Makes backups at these hours.",
        "--service store backup:schedule --hour 3",
        flags=(
            Flag("hour", "Hour of the day in UTC.", Type.INTEGER, required=True, many=True),
            Flag("weekday", "Day of the week; without it every day.", many=True),
        ),
    ),
    later(
        "backup:unschedule", OF_SERVICE, "Ends the schedule.", "--service store backup:unschedule"
    ),
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
