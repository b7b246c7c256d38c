"""Output for programs: -o json, yaml, name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from setops.api.kinds import Object
from setops.cli.base.terminal import echo


def write(form: str, what: Object | Sequence[Object]) -> None:
    """Write one resource or a list of resources in the format of -o."""
    several = not isinstance(what, dict)
    items: Sequence[Object] = what if not isinstance(what, dict) else [what]
    trimmed = [_trimmed(item) for item in items]
    if form == "name":
        for item in trimmed:
            echo(str((item.get("metadata") or item)["name"]))
        return
    document: Any = trimmed if several else trimmed[0]
    if form == "json":
        echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    import yaml

    echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100).rstrip("\n"))


def _trimmed(item: Object) -> Object:
    """A resource without `managedFields`, with its usual keys first."""
    metadata = item.get("metadata")
    if not isinstance(metadata, dict):
        return item
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    order = ("apiVersion", "kind")
    rest = {key: value for key, value in item.items() if key not in (*order, "metadata")}
    return {**{key: item[key] for key in order if key in item}, "metadata": kept, **rest}
