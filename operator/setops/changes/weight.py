"""What the objects of a Stage weigh where they are stored, and which would be too heavy. Pure.

A child may weigh more than its parent: the pod template doubles every `$$`, and of each variable
the API server also stores who set it. A dry run doesn't show it, since it doesn't reach etcd.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from setops.api.app import AppSpec
from setops.api.definition import StageDefinition
from setops.api.errors import Problem, Validator, quoted
from setops.api.section import SECTIONS, Entry, Section
from setops.desired.metadata import StageNames
from setops.desired.pod import AppPod, LinkSecret, pod_template

MOST: Final = 1_540_000
"""Bytes of one object. etcd takes 1.5 MiB; the rest is for metadata and status."""

MOST_OF_A_VARIABLE: Final = 131_070
"""Bytes of a variable with its key and the equals sign. Linux starts no program with a longer one:
it takes 128 KiB, with the end of the text."""

MOST_OF_A_REVISION: Final = int(1.4 * 1024 * 1024)
"""Bytes of a definition that one revision can hold; etcd refuses objects above 1.5 MiB."""

_NODE: Final = 6
"""Bytes that a field or an item takes beside its content in protobuf, at most."""
_VARIABLE: Final = 80
"""Bytes of what the API server stores beside a variable and its key: who set it."""
_FIXED: Final = 8192
"""Bytes of a Deployment beside its pod template, generously."""
_WIDEST_STAGE: Final = StageNames("p" * 20, "s" * 12, "n" * 63)
"""Stands for the Stage, which is the same for all."""


def stored_size(value: Any) -> int:
    """Bytes that a custom resource, or a part of it, takes in etcd: as JSON that Go has written."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    escaped = sum(text.count(char) for char in "<>&") * 5
    if not text.isascii():
        escaped += sum(text.count(char) for char in "\u2028\u2029") * 3
    return len(text.encode(errors="replace")) + escaped


def too_large_for_a_revision(definition: StageDefinition) -> str:
    """Why no revision can hold a definition; empty if one can."""
    size = stored_size(definition.to_json())
    if size <= MOST_OF_A_REVISION:
        return ""
    return (
        f"the Stage's definition would have {size} bytes, the limit is {MOST_OF_A_REVISION}; "
        "move large values into Secrets"
    )


def too_heavy(before: StageDefinition, after: StageDefinition) -> Iterator[Problem]:
    """Entries that differ from `before` and couldn't be stored, or whose pods couldn't be."""
    for section in SECTIONS:
        old = before.section(section)
        for name, entry in after.section(section).items():
            if entry is not old.get(name) and entry != old.get(name):
                yield from _of_entry(section, name, entry)


def _of_entry(section: Section, name: str, entry: Entry) -> Iterator[Problem]:
    size = stored_size(entry.to_json())
    if size > MOST:
        yield _too_large(section, name, f"it would have {size} bytes")
    elif isinstance(entry, AppSpec):
        yield from _variables(name, entry)
        child = _deployment_size(name, entry)
        if child > MOST:
            yield _too_large(section, name, f"its Deployment would have {child} bytes")


def _variables(name: str, app: AppSpec) -> Iterator[Problem]:
    for key, variable in (app.env or {}).items():
        size = len(key) + 1 + len((variable.value or "").encode())
        if size > MOST_OF_A_VARIABLE:
            yield Problem(
                f"apps.{name}.env.{key}.value",
                Validator.TOO_LONG,
                f"App {quoted(name)}: variable {quoted(key)} would have {size} bytes with its key; "
                f"no program can be started with more than {MOST_OF_A_VARIABLE}",
            )


def _too_large(section: Section, name: str, what: str) -> Problem:
    return Problem(
        section.path(name),
        Validator.TOO_LONG,
        f"{section.kind} {quoted(name)} is too large for Kubernetes: {what}, the limit is {MOST}; "
        "move large values into Secrets",
    )


def _deployment_size(name: str, app: AppSpec) -> int:
    """Bytes of the App's Deployment. Its ReplicaSets and pods hold the same template."""
    secrets = {service: LinkSecret(f"service-{service}", "") for service in app.links or ()}
    template = pod_template(AppPod(name=name, spec=app, stage=_WIDEST_STAGE, link_secrets=secrets))
    if template is None:
        return 0
    keys = [*(app.env or ()), *(link.env_key or "" for link in (app.links or {}).values())]
    return _FIXED + _protobuf_size(template) + sum(_VARIABLE + len(key) for key in keys)


def _protobuf_size(value: Any) -> int:
    """How many bytes an object of Kubernetes' own takes at most. It stores no names of fields."""
    match value:
        case str():
            return _NODE + len(value.encode())
        case Mapping():
            return _NODE + sum(map(_protobuf_size, value.values()))
        case list():
            return _NODE + sum(map(_protobuf_size, value))
        case _:
            return _NODE
