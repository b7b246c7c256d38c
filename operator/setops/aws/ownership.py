"""Whose a resource of our name is, by its tags, and tags as AWS's calls take them."""

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
    """There is none of that name."""


def tags_by_key(listed: Iterable[Any]) -> dict[str, str]:
    """Tags as AWS lists them, `{"Key": …, "Value": …}` each, by key."""
    return {tag["Key"]: tag["Value"] for tag in listed}


def tag_list(tags: Mapping[str, str]) -> list[Any]:
    """Tags as most of AWS's calls take them. The stubs have a type of their own for each API."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
