"""`network`: where an App listens and who may reach it."""

from __future__ import annotations

from setops.api.kinds import Object
from setops.cli.app import text
from setops.cli.base.call import Call
from setops.cli.base.terminal import block
from setops.cli.base.view import app_of, show, yes


def run(call: Call) -> int:
    """Protocol, port, public, health check."""
    return show(call, lambda: app_of(call), _draw, _raw)


def _draw(app: Object) -> str:
    network = app["spec"]["network"]
    return block(
        [
            ("Protocol", network["protocol"]),
            ("Public", yes(network["public"])),
            ("Port", network["port"]),
            ("Health check", text.network_check_text(network)),
            ("URL", (app.get("status") or {}).get("url", "")),
        ]
    )


def _raw(app: Object) -> Object:
    return {"name": app["metadata"]["name"], **app["spec"]["network"]}
