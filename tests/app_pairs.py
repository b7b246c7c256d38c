"""Random pairs of App specs, as before and after a change. Most pairs differ in one setting.

Two independent random Apps would differ in nearly everything, so every pair would restart. What a
plan gets wrong is found where a single field changes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

Object = dict[str, Any]

SERVICES: Final = ("store", "files")
"""Services that the Apps link; both of type s3."""

_TRIES: Final = 3
"""How often a pair of equal specs is changed again. Few stay equal."""
_REGISTRY: Final = "registry.example.com"
_IMAGES: Final = (f"{_REGISTRY}/web:1", f"{_REGISTRY}/web:2", f"{_REGISTRY}/web@sha256:{'ab' * 32}")
_WORDS: Final[Sequence[Sequence[str]]] = (
    [],
    ["sh", "-c", "echo $(PORT) $$ a"],
    ["run"],
    ["run", ""],
)
_VALUES: Final = ("", "1", "$(PORT)", "$$", "ü", " a\nb ")


def pairs(seed: int, count: int) -> Iterator[tuple[Object, Object]]:
    """So many pairs, the same for the same seed. A pair may also be of two equal specs."""
    dice = random.Random(seed)  # noqa: S311
    return ((before, _changed(dice, before)) for before in (_app(dice) for _ in range(count)))


def _app(dice: random.Random) -> Object:
    spec: Object = {"image": dice.choice(_IMAGES)} if dice.random() < 0.8 else {}
    for setting in _SETTINGS:
        if dice.random() < 0.4:
            _set(dice, spec, setting)
    return spec


def _changed(dice: random.Random, before: Object) -> Object:
    after = dict(before)
    for _ in range(_TRIES):
        for setting in dice.choices(_SETTINGS, k=dice.choice((1, 1, 1, 1, 2, 3))):
            _set(dice, after, setting)
        if after != before:
            break
    return after


def _set(dice: random.Random, spec: Object, setting: str) -> None:
    """Give a setting some value, perhaps the one that it has, or leave it out."""
    section, _, field = setting.partition(".")
    match section:
        case "runs":
            _run(dice, spec)
        case "env" | "links":
            _key(dice, spec, section, field)
        case _ if field:
            part = {**spec.get(section, {})}
            _put(part, field, dice.choice(_VALUES_OF[setting]))
            _put(spec, section, part or None)
        case _:
            _put(spec, section, dice.choice(_VALUES_OF[setting]))
    _mend(spec)


def _put(where: Object, field: str, value: Any) -> None:
    where.pop(field, None)
    if value is not None:
        where[field] = value


def _run(dice: random.Random, spec: Object) -> None:
    """What runs: a plain image, the same image as a release, another release, or nothing."""
    for field in ("image", "releases", "activeRelease"):
        spec.pop(field, None)
    image, other = dice.sample(_IMAGES, 2)
    match dice.randrange(4):
        case 0:
            spec["image"] = image
        case 1:
            spec["releases"] = {"1": {"image": image}}
        case _:
            spec["releases"] = {"1": {"image": image}, "2": {"image": other}}
            spec["activeRelease"] = dice.choice((1, 2))


def _key(dice: random.Random, spec: Object, section: str, key: str) -> None:
    entries = {**spec.get(section, {})}
    if section == "links":
        _put(entries, key, dice.choice((None, {"envKey": "A_URL"}, {"envKey": "Z_URL"})))
    else:
        value: Object = {"value": dice.choice(_VALUES)}
        secret: Object = {"secretRef": {"name": "service-store", "key": dice.choice(("url", "k"))}}
        described = {"description": dice.choice(("one", "two"))}
        source = dice.choice((value, secret, None))
        _put(entries, key, source and {**source, **(described if dice.random() < 0.5 else {})})
    _put(spec, section, entries or None)


def _mend(spec: Object) -> None:
    """Take away what the API server would refuse in combination."""
    if (network := spec.get("network", {})).get("protocol") == "tcp":
        spec["network"] = {name: network[name] for name in network if name != "healthCheck"}
    links = spec.get("links", {})
    if len({link["envKey"] for link in links.values()}) < len(links):
        del links[max(links)]


_CHECKS: Final[Sequence[Object | None]] = (
    None,
    {},
    {"path": "/"},
    {"path": "/up"},
    {"status": "200-399"},
    {"status": "200-499"},
    {"status": "200"},
    {"path": "/up", "status": "200-399"},
    {"path": "/up", "status": "200-499"},
)
_INSIDE: Final[Sequence[Object | None]] = (
    None,
    {"command": ["true"]},
    {"command": ["true"], "interval": 10},
    {"command": ["true"], "interval": 5},
    {"command": ["true"], "timeout": 3},
    {"command": ["true"], "retries": 3},
    {"command": ["true"], "startPeriod": 0},
    {"command": ["true"], "startPeriod": 11},
    {"command": ["true"], "startPeriod": 20},
    {"command": ["echo", "$(A)"]},
)
_VALUES_OF: Final[dict[str, Sequence[Any]]] = {
    "container.command": (None, *_WORDS),
    "container.entrypoint": (None, *_WORDS),
    "container.healthCheck": _INSIDE,
    "network.protocol": ("http", "http", "http", "http", "tcp"),
    "network.public": (None, False, True),
    "network.port": (None, 5000, 3000),
    "network.healthCheck": _CHECKS,
    "resources.cpu": (None, 128, 256),
    "resources.memory": (None, 256, 1024),
    "resources.scale": (None, 0, 1, 2),
    "domains": (None, {"www.example.com": {}}, {"www.example.com": {"primary": True}}),
    "schedule": (None, {"night": {"at": "22:00", "scale": 0}}),
}
_SETTINGS: Final = (
    "runs",
    "runs",
    "env.A",
    "env.B",
    "env.Y",
    "links.store",
    "links.files",
    "network.healthCheck",
    "network.public",
    *_VALUES_OF,
)
