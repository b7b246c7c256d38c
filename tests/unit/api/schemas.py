"""A walk over the schemas of all CRDs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from setops.api import crds
from setops.api.crds import SOURCES
from setops.api.kinds import Object


@dataclass(frozen=True)
class Node:
    """One place of a schema, by its path: `App.spec.env.*.value`."""

    path: str
    schema: Object


def root(made: Object) -> Object:
    """The schema of a CRD's one version."""
    (version,) = made["spec"]["versions"]
    found: Object = version["schema"]["openAPIV3Schema"]
    return found


def walk(path: str, schema: Object) -> Iterator[Node]:
    """A node and all below it; `*` stands for what a map or a list holds."""
    yield Node(path, schema)
    for name, child in schema.get("properties", {}).items():
        yield from walk(f"{path}.{name}", child)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from walk(f"{path}.*", schema[key])


CRDS: Final[dict[str, Object]] = {
    definition.kind.kind: crds.crd(definition) for definition in SOURCES
}
PARTS: Final = [
    node
    for kind, made in CRDS.items()
    for part in ("spec", "status")
    for node in walk(f"{kind}.{part}", root(made)["properties"][part])
]
"""All places of all specs and statuses; the rest of an object is Kubernetes' own."""
WRITTEN: Final = [node for node in PARTS if node.path.split(".")[1] == "spec"]
"""The places that users write."""


def at(path: str) -> Any:
    """The schema at a path."""
    return next(node.schema for node in PARTS if node.path == path)
