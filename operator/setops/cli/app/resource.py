"""`resource`: what an App's containers get, and how many run."""

from __future__ import annotations

from setops.api.kinds import Object
from setops.cli.base.call import Call
from setops.cli.base.terminal import block
from setops.cli.base.view import app_of, show


def run(call: Call) -> int:
    """CPU, memory, scale."""
    return show(call, lambda: app_of(call), _draw, _raw)


def _draw(app: Object) -> str:
    resources = app["spec"]["resources"]
    return block(
        [
            ("CPU", f"{resources['cpu']} units"),
            ("Memory", f"{resources['memory']} MB"),
            ("Scale", resources["scale"]),
        ]
    )


def _raw(app: Object) -> Object:
    return {"name": app["metadata"]["name"], **app["spec"]["resources"]}
