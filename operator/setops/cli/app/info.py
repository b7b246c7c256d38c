"""`app:info`: an App's settings, its containers, and what isn't ready for production."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from setops.api.kinds import Object
from setops.cli.app import ps, text
from setops.cli.app.containers import containers, summary
from setops.cli.base.call import Call
from setops.cli.base.terminal import block, bold, yellow
from setops.cli.base.view import ready, show, state, yes


def run(call: Call) -> int:
    """Show one App."""
    return show(call, lambda: ps.read(call), _draw, lambda found: found[0])


def _draw(found: ps.Running) -> str:
    app, pods = found
    spec, running = app["spec"], containers(app, pods)
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
        ("Health checks", text.checks_text(spec)),
        ("Envs", "\n".join(text.env_lines(spec)) or "none"),
        ("Domains", "\n".join(text.domain_names(app)) or "none"),
        ("Links", "\n".join(text.link_lines(spec)) or "none"),
        ("Active Release", text.active_text(spec)),
        ("URL", (app.get("status") or {}).get("url", "")),
    ]
    lines = [block(settings), "", f"{bold('Status:')} {summary(app, running)}"]
    said = ready(app)
    if state(app) != "Ready" or said["reason"] != "Ready":
        lines.append(f"{state(app)}: {said['message']}")
    lines += ps.listed(running)
    hints = _hints(spec)
    if hints:
        lines += ["", yellow("Not ready for production:"), *(f"  - {hint}" for hint in hints)]
    return "\n".join(lines)


def _hints(spec: Object) -> Sequence[str]:
    """What should be changed before the App goes into production."""
    image = text.image_of(spec)
    network, checks = spec["network"], (spec.get("container") or {}).get("healthCheck")
    found = []
    if not image:
        found.append("nothing runs: release:create IMAGE, then release:activate NUMBER")
    if spec["resources"]["scale"] == 1:
        found.append("scale is 1, so one failure stops it: resource:set scale 2")
    if not checks and not (network["public"] and network.get("healthCheck")):
        found.append("it has no health check: container:set health-check -- CMD…")
    if image and "@sha256:" not in image:
        found.append(
            "its image is named by a tag, which may come to mean another image; use a digest"
        )
    return found
