"""`container`: how an App's image is started."""

from __future__ import annotations

import shlex

from setops.api.kinds import Object
from setops.cli.app import text
from setops.cli.base.call import Call
from setops.cli.base.terminal import block
from setops.cli.base.view import app_of, show


def run(call: Call) -> int:
    """Command, entrypoint, health check."""
    return show(call, lambda: app_of(call), _draw, _raw)


def _draw(app: Object) -> str:
    container = app["spec"].get("container") or {}
    check = container.get("healthCheck")
    return block(
        [
            ("Command", shlex.join(container.get("command") or ()) or "the image's own"),
            ("Entrypoint", shlex.join(container.get("entrypoint") or ()) or "the image's own"),
            ("Health check", text.check_text(check) if check else "none"),
        ]
    )


def _raw(app: Object) -> Object:
    return {"name": app["metadata"]["name"], **(app["spec"].get("container") or {})}
