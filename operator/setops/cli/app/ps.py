"""`app:ps`: the containers of an App."""

from __future__ import annotations

from collections.abc import Sequence

from setops.api.kinds import Object
from setops.cli.app.containers import HEADER, AppContainer, containers, messages, rows, summary
from setops.cli.base.call import Call
from setops.cli.base.terminal import table
from setops.cli.base.view import app_of, pods_of, show

Running = tuple[Object, Sequence[Object]]
"""An App and its pods."""


def run(call: Call) -> int:
    """List the containers of an App."""

    def draw(found: Running) -> str:
        running = containers(*found)
        return "\n".join([summary(found[0], running), *listed(running)])

    return show(call, lambda: read(call), draw, lambda found: found[1])


def read(call: Call) -> Running:
    """The App that the line is about, with its pods."""
    app = app_of(call)
    return app, pods_of(call.session, app)


def listed(running: Sequence[AppContainer]) -> Sequence[str]:
    """A table of the containers, then what is wrong with those that can't run."""
    return [table(HEADER, rows(running)), *messages(running)] if running else ()
