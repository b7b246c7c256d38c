"""`app`, `app:info`, `app:ps`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from setops.api.kinds import APP, Object
from setops.cli.call import Call
from setops.cli.read import parts
from setops.cli.read.common import app_of, listing, of_stage, pods_of, ready, show, state, yes
from setops.cli.read.tasks import HEADER, Task, messages, rows, summary, tasks
from setops.cli.terminal import block, bold, table, yellow

Running = tuple[Object, Sequence[Object]]
"""An App and its pods."""


def index(call: Call) -> int:
    """All Apps."""
    return show(
        call,
        lambda: of_stage(call, APP),
        lambda found: listing(
            ("Name", "Scale", "Running", "Release", "Public", "Status"),
            [
                (
                    each["metadata"]["name"],
                    each["spec"]["resources"]["scale"],
                    (each.get("status") or {}).get("readyReplicas") or 0,
                    (each.get("status") or {}).get("release") or "none",
                    yes(each["spec"]["network"]["public"]),
                    state(each),
                )
                for each in found
            ],
            "The Stage has no App yet; create one: setops app:create NAME",
        ),
        list,
    )


def info(call: Call) -> int:
    """One App: its settings, its containers, and what isn't ready for production."""
    return show(call, lambda: _read(call), _draw, lambda found: found[0])


def ps(call: Call) -> int:
    """The containers of an App."""

    def draw(found: Running) -> str:
        running = tasks(*found)
        return "\n".join([summary(found[0], running), *_table(running)])

    return show(call, lambda: _read(call), draw, lambda found: found[1])


def _read(call: Call) -> Running:
    app = app_of(call)
    return app, pods_of(call.session, app)


def _draw(found: Running) -> str:
    app, pods = found
    spec, running = app["spec"], tasks(app, pods)
    container, network, resources = (
        spec.get("container") or {},
        spec["network"],
        spec["resources"],
    )
    settings: list[tuple[str, object]] = [
        ("Name", app["metadata"]["name"]),
        ("Command", shlex.join(container.get("command") or ()) or "the image's own"),
        ("Entrypoint", shlex.join(container.get("entrypoint") or ()) or "the image's own"),
        ("Scale", resources["scale"]),
        ("CPU", f"{resources['cpu']} units"),
        ("Memory", f"{resources['memory']} MB"),
        ("Protocol", network["protocol"]),
        ("Public", yes(network["public"])),
        ("Port", network["port"]),
        ("Health checks", parts.checks_text(spec)),
        ("Envs", "\n".join(parts.env_lines(spec)) or "none"),
        ("Domains", "\n".join(parts.domain_names(app)) or "none"),
        ("Links", "\n".join(parts.link_lines(spec)) or "none"),
        ("Active Release", parts.active_text(spec)),
        ("URL", (app.get("status") or {}).get("url", "")),
    ]
    lines = [block(settings), "", f"{bold('Status:')} {summary(app, running)}"]
    said = ready(app)
    if state(app) != "Ready" or said["reason"] != "Ready":
        lines.append(f"{state(app)}: {said['message']}")
    lines += _table(running)
    hints = _hints(spec, running)
    if hints:
        lines += ["", yellow("Not ready for production:"), *(f"  - {hint}" for hint in hints)]
    return "\n".join(lines)


def _table(running: Sequence[Task]) -> Sequence[str]:
    return [table(HEADER, rows(running)), *messages(running)] if running else ()


def _hints(spec: Object, running: Sequence[Task]) -> Sequence[str]:
    """What a careful person would change before users come."""
    del running
    image = parts.image_of(spec)
    network, checks = spec["network"], (spec.get("container") or {}).get("healthCheck")
    found = []
    if not image:
        found.append("nothing runs: release:create IMAGE, then release:activate NUMBER")
    if spec["resources"]["scale"] == 1:
        found.append("scale is 1, so one failure stops it: resource:set scale 2")
    if not checks and not network.get("healthCheck"):
        found.append("it has no health check: container:set health-check -- CMD…")
    if image and "@sha256:" not in image:
        found.append(
            "its image is named by a tag, which may come to mean another image; use a digest"
        )
    return found
