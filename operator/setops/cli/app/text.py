"""The parts of an App as text, from its JSON. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from setops.api.kinds import Object


def image_of(spec: Object) -> str:
    """The image to run, or an empty text."""
    active = spec.get("activeRelease")
    if active is not None:
        return str((spec.get("releases") or {}).get(str(active), {}).get("image", ""))
    return str(spec.get("image") or "")


def active_text(spec: Object) -> str:
    """The active release with its image, or the plain image."""
    active, image = spec.get("activeRelease"), image_of(spec)
    if active is not None:
        return f"{active} ({image})"
    return image or "none"


def source(variable: Object) -> str:
    """A variable's value, or the Secret that it comes from. A Secret's value is never shown."""
    reference = variable.get("secretRef")
    if reference:
        return f"Secret {reference['name']}/{reference['key']}"
    return str(variable.get("value", ""))


def env_lines(spec: Object) -> Sequence[str]:
    """`KEY=VALUE (description)`, by key."""
    return [
        f"{key}={source(variable)}"
        + (f" ({variable['description']})" if variable.get("description") else "")
        for key, variable in sorted((spec.get("env") or {}).items())
    ]


def link_text(link: Object) -> str:
    """How an App sees a Service."""
    if link.get("envKey"):
        return f"as {link['envKey']}"
    return f"at {link['path']}" + (", read-only" if link.get("readOnly") else "")


def link_lines(spec: Object) -> Sequence[str]:
    """`store as STORE_URL`, by Service."""
    return [f"{name} {link_text(link)}" for name, link in sorted((spec.get("links") or {}).items())]


def domain_names(app: Object) -> Sequence[str]:
    """The custom domains, with the primary one marked."""
    return [
        f"{name} (primary)" if domain.get("primary") else name
        for name, domain in sorted((app["spec"].get("domains") or {}).items())
    ]


def check_text(check: Object) -> str:
    """A container's own health check."""
    return (
        f"{shlex.join(check['command'])} every {check.get('interval', 10)} s, "
        f"timeout {check.get('timeout', 10)} s, {check.get('retries', 5)} retries, "
        f"start period {check.get('startPeriod', 15)} s"
    )


def network_check_text(network: Object) -> str:
    """The check from outside."""
    if not network["public"]:
        return "none, as long as it isn't public"
    if network["protocol"] == "tcp":
        return "connects to the port"
    check: dict[str, Any] = network.get("healthCheck") or {}
    return f"GET {check.get('path', '/')} answers {check.get('status', '200-499')}"


def checks_text(spec: Object) -> str:
    """Both health checks, one per line."""
    check = (spec.get("container") or {}).get("healthCheck")
    inside = check_text(check) if check else "none"
    return f"container: {inside}\nnetwork: {network_check_text(spec['network'])}"
