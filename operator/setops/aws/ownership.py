"""Whose a resource is that has a name of ours, and tags in the form that AWS's calls take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any


class Ownership(Enum):
    """Whose a resource is that has a name of ours."""

    OURS = "ours"
    """It carries all tags of its owner."""
    FOREIGN = "foreign"
    """It exists without them. It is never changed and never deleted."""
    NOBODY = "nobody"
    """No resource has that name."""


def tags_by_key(listed: Iterable[Any]) -> dict[str, str]:
    """The values of tags by key; `listed` has AWS's form, `{"Key": …, "Value": …}` each."""
    return {tag["Key"]: tag["Value"] for tag in listed}


def tag_list(tags: Mapping[str, str]) -> list[Any]:
    """Tags in the form of most of AWS's calls. The stubs have a different type for each API."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
