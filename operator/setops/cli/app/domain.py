"""`domain`: the domains of an App."""

from __future__ import annotations

from setops.api.kinds import Object
from setops.cli.base.call import Call
from setops.cli.base.view import app_of, listing, show, yes


def run(call: Call) -> int:
    """Custom domains, and whether they are validated."""
    return show(call, lambda: app_of(call), _draw, _raw)


def _draw(app: Object) -> str:
    domains, name = app["spec"].get("domains") or {}, app["metadata"]["name"]
    known = {each["name"]: each for each in (app.get("status") or {}).get("domains") or ()}
    return listing(
        ("Domain", "Primary", "Validated"),
        [
            (
                domain,
                yes(domains[domain].get("primary")),
                yes(known.get(domain, {}).get("validated")),
            )
            for domain in sorted(domains)
        ],
        f"App {name} has no custom domain; add one: setops --app {name} domain:create NAME",
    )


def _raw(app: Object) -> list[Object]:
    return [{"name": key, **one} for key, one in sorted((app["spec"].get("domains") or {}).items())]
