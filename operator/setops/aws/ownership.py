"""Whose a resource of our name is, by its tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from setops.aws.target import Identity


class Owner(Enum):
    OURS = "ours"
    """It carries all tags of the Service."""
    FOREIGN = "foreign"
    """It exists without them: never changed, never deleted."""
    NOBODY = "nobody"
    """There is none of that name."""


def owner_by(tags: Iterable[Any], identity: Identity) -> Owner:
    """The owner of an existing resource with these tags, as AWS lists them."""
    return Owner.OURS if identity.owns(tags_by_key(tags)) else Owner.FOREIGN


def tags_by_key(listed: Iterable[Any]) -> dict[str, str]:
    """Tags as AWS lists them, `{"Key": …, "Value": …}` each, by key."""
    return {tag["Key"]: tag["Value"] for tag in listed}


def tag_list(tags: Mapping[str, str]) -> list[Any]:
    """Tags as AWS takes them; each product's stubs have a type of their own for that."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
