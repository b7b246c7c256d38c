"""`service:info`: one Service."""

from __future__ import annotations

from collections.abc import Sequence

from setops.api.kinds import APP, Object
from setops.cli.app import text
from setops.cli.base.call import Call
from setops.cli.base.terminal import block
from setops.cli.base.view import created, of_stage, ready, service_of, show, state
from setops.cli.service import option


def run(call: Call) -> int:
    """Show one Service: type, plan, options, and the Apps that link it."""
    return show(
        call, lambda: (service_of(call), of_stage(call, APP)), _draw, lambda found: found[0]
    )


def _draw(found: tuple[Object, Sequence[Object]]) -> str:
    service, apps = found
    spec, status, name = service["spec"], service.get("status") or {}, service["metadata"]["name"]
    links = [
        f"{app['metadata']['name']} {text.link_text(app['spec']['links'][name])}"
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
