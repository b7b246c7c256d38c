"""`env`: the variables of an App."""

from __future__ import annotations

from setops.api.kinds import Object
from setops.cli.app import text
from setops.cli.base.call import Call
from setops.cli.base.view import app_of, listing, show


def run(call: Call) -> int:
    """Keys, values, descriptions. A Secret's value is never shown."""
    return show(call, lambda: app_of(call), _draw, _raw)


def _draw(app: Object) -> str:
    env, name = app["spec"].get("env") or {}, app["metadata"]["name"]
    return listing(
        ("Key", "Value", "Description"),
        [(key, text.source(env[key]), env[key].get("description", "")) for key in sorted(env)],
        f"App {name} has no variables; set one: setops --app {name} env:set KEY=VALUE",
    )


def _raw(app: Object) -> list[Object]:
    return [{"name": key, **one} for key, one in sorted((app["spec"].get("env") or {}).items())]
