"""`network`: where an App listens and who may reach it."""

from __future__ import annotations

from setops.api.kinds import Object
from setops.cli.call import Call
from setops.cli.read import parts
from setops.cli.read.common import app_of, show, yes
from setops.cli.terminal import block


def index(call: Call) -> int:
    """Protocol, port, public, health check."""
    return show(call, lambda: app_of(call), _draw, _raw)


def _draw(app: Object) -> str:
    network = app["spec"]["network"]
    return block(
        [
            ("Protocol", network["protocol"]),
            ("Public", yes(network["public"])),
            ("Port", network["port"]),
            ("Health check", parts.network_check_text(network)),
            ("URL", (app.get("status") or {}).get("url", "")),
        ]
    )


def _raw(app: Object) -> Object:
    return {"name": app["metadata"]["name"], **app["spec"]["network"]}
