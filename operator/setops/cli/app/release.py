"""`release`: the releases of an App."""

from __future__ import annotations

from setops.api.kinds import Object
from setops.cli.base.call import Call
from setops.cli.base.view import app_of, listing, show


def run(call: Call) -> int:
    """Numbers, images, and which one is active."""
    return show(call, lambda: app_of(call), _draw, _raw)


def _numbers(app: Object) -> list[str]:
    return sorted(app["spec"].get("releases") or {}, key=int, reverse=True)


def _draw(app: Object) -> str:
    spec, name = app["spec"], app["metadata"]["name"]
    releases, active = spec.get("releases") or {}, str(spec.get("activeRelease"))
    if spec.get("image") and not releases:
        return f"App {name} has no releases; it runs the image {spec['image']}"
    return listing(
        ("Release", "Image", "Active"),
        [
            (number, releases[number]["image"], "active" if number == active else "")
            for number in _numbers(app)
        ],
        f"App {name} has no releases; create one: setops --app {name} release:create IMAGE",
    )


def _raw(app: Object) -> list[Object]:
    active = str(app["spec"].get("activeRelease"))
    return [
        {"name": number, **app["spec"]["releases"][number], "active": number == active}
        for number in _numbers(app)
    ]
