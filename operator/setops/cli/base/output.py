"""Output for programs: -o json, yaml, name."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from setops.api.kinds import Object
from setops.cli.base.streams import emit
from setops.kube.go_words import meaning


def write(form: str, what: Object | Sequence[Object]) -> None:
    """Write one resource or a list of resources in the format of -o."""
    several = not isinstance(what, dict)
    items: Sequence[Object] = what if not isinstance(what, dict) else [what]
    trimmed = [_trimmed(item) for item in items]
    if form == "name":
        for item in trimmed:
            emit(str((item.get("metadata") or item)["name"]))
        return
    document: Any = trimmed if several else trimmed[0]
    if form == "json":
        emit(json_text(document))
        return
    emit(yaml_text(document).rstrip("\n"))


def json_text(document: Any) -> str:
    """A document as JSON. What steers a terminal or can't be written in UTF-8 is escaped."""
    return _without_steering(json.dumps(document, indent=2, ensure_ascii=False))


def yaml_text(document: Any) -> str:
    """A document as YAML that other readers understand alike."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            """Never write anchors: they make a file hard to read."""
            del data
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        lines = value.replace("\n", "")
        # The library's other styles lose some rare line break characters.
        style = None if value.isprintable() else "|" if lines.isprintable() else '"'
        # kubectl reads it with another library, for which other words are text.
        style = "'" if meaning(value) != "str" else style
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    written = yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    # What isn't printable stands in double quotes, so that it can be escaped as in JSON.
    return _without_steering(written)


_STEERING: Final = re.compile(r"[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, and those that change the direction of what stands beside them."""


def _without_steering(text: str) -> str:
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _trimmed(item: Object) -> Object:
    """A resource without `managedFields`, with its usual keys first."""
    metadata = item.get("metadata")
    if not isinstance(metadata, dict):
        return item
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    order = ("apiVersion", "kind")
    rest = {key: value for key, value in item.items() if key not in (*order, "metadata")}
    return {**{key: item[key] for key in order if key in item}, "metadata": kept, **rest}
