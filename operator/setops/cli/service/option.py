"""`option`: the options of a Service."""

from __future__ import annotations

from collections.abc import Sequence

from setops.api.catalogue import TYPES
from setops.api.kinds import Object
from setops.cli.base.call import Call
from setops.cli.base.view import listing, service_of, show, yes


def run(call: Call) -> int:
    """Show all options of the Service's type, with the values set or their defaults."""
    return show(call, lambda: service_of(call), _draw, _raw)


def rows(service: Object) -> Sequence[tuple[str, str, str]]:
    """Each option's name, value and description."""
    given = service["spec"].get("options") or {}
    return [
        (each.name, _text(given.get(each.name, each.default)), each.description)
        for each in TYPES[service["spec"]["type"]].options
    ]


def default_policy(type_name: str) -> str:
    """The deletion policy that applies if none is set."""
    return TYPES[type_name].default_policy.value


def _draw(service: Object) -> str:
    return listing(
        ("Option", "Value", "Description"),
        rows(service),
        f"Services of type {service['spec']['type']} have no options.",
    )


def _raw(service: Object) -> list[Object]:
    return [{"name": name, "value": value} for name, value, _ in rows(service)]


def _text(value: object) -> str:
    match value:
        case bool():
            return yes(value)
        case list():
            return ",".join(map(str, value))
        case None:
            return "(unset)"
        case _:
            return str(value)
