"""The commands that show Services, and those for backups."""

from __future__ import annotations

from typing import Final

from setops.cli.base.declare import later, show
from setops.language.command import OF_SERVICE, OF_STAGE, Argument, Flag, Level, Type

_ID: Final = Argument("ID", "Its id.")

COMMANDS: Final = (
    show("service", OF_STAGE, "Lists the Services.", watch=True, run="service.index"),
    show(
        "service:info",
        OF_STAGE,
        "Shows a Service.",
        named=Level.SERVICE,
        type_=Type.SERVICE,
        watch=True,
        run="service.info",
    ),
    show("option", OF_SERVICE, "Lists the options of a Service.", run="service.option"),
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
        arguments=(Argument("FILE", "The file.", Type.FILE),),
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
)
