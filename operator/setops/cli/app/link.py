"""`link`: the Services that an App links."""

from __future__ import annotations

from setops.api.kinds import Object
from setops.cli.app import text
from setops.cli.base.call import Call
from setops.cli.base.view import app_of, listing, show


def run(call: Call) -> int:
    """Services, and how the App sees them."""
    return show(call, lambda: app_of(call), _draw, _raw)


def _draw(app: Object) -> str:
    links, name = app["spec"].get("links") or {}, app["metadata"]["name"]
    return listing(
        ("Service", "Seen"),
        [(service, text.link_text(links[service])) for service in sorted(links)],
        f"App {name} links no Service; link one: "
        f"setops --app {name} link:create SERVICE --env-key KEY",
    )


def _raw(app: Object) -> list[Object]:
    return [{"name": key, **one} for key, one in sorted((app["spec"].get("links") or {}).items())]
