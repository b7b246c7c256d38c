"""`service`, `service:info`."""

from __future__ import annotations

from collections.abc import Sequence

from setops.api.kinds import APP, SERVICE, Object
from setops.cli.call import Call
from setops.cli.read import option, parts
from setops.cli.read.common import (
    created,
    listing,
    of_stage,
    ready,
    service_of,
    show,
    state,
)
from setops.cli.terminal import block


def index(call: Call) -> int:
    """All Services."""
    return show(
        call,
        lambda: of_stage(call, SERVICE),
        lambda found: listing(
            ("Name", "Type", "Version", "Plan", "Status"),
            [
                (
                    each["metadata"]["name"],
                    each["spec"]["type"],
                    each["spec"].get("version", ""),
                    each["spec"].get("plan", ""),
                    state(each),
                )
                for each in found
            ],
            "The Stage has no Service yet; create one: setops service:create NAME --type TYPE",
        ),
        list,
    )


def info(call: Call) -> int:
    """One Service: type, plan, options, and who links it."""
    return show(
        call, lambda: (service_of(call), of_stage(call, APP)), _draw, lambda found: found[0]
    )


def _draw(found: tuple[Object, Sequence[Object]]) -> str:
    service, apps = found
    spec, status, name = service["spec"], service.get("status") or {}, service["metadata"]["name"]
    links = [
        f"{app['metadata']['name']} {parts.link_text(app['spec']['links'][name])}"
        for app in apps
        if name in (app["spec"].get("links") or {})
    ]
    shown = state(service)
    rows = {
        "Name": name,
        "Type": spec["type"],
        "Version": spec.get("version", ""),
        "Plan": spec.get("plan", ""),
        "Options": "\n".join(f"{key}: {value}" for key, value, _ in option.rows(service)) or "none",
        "Links": "\n".join(links) or "none",
        "Deletion policy": spec.get("deletionPolicy") or option.default_policy(spec["type"]),
        "State at AWS": status.get("state", ""),
        "Endpoint": status.get("endpoint", ""),
        "ARN": status.get("arn", ""),
        "Created": created(service),
        "Status": shown if shown == "Ready" else f"{shown}: {ready(service)['message']}",
    }
    return block((key, value) for key, value in rows.items() if value)
