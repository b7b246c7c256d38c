"""Whose a resource of our name is, by its tags."""

from __future__ import annotations

from enum import Enum

from setops.aws.target import Identity


class Owner(Enum):
    OURS = "ours"
    """It carries all tags of the Service."""
    FOREIGN = "foreign"
    """It exists without them: never changed, never deleted."""
    NOBODY = "nobody"
    """There is none of that name."""


def owner_by(tags: dict[str, str], identity: Identity) -> Owner:
    """The owner of an existing resource with these tags."""
    return Owner.OURS if identity.owns(tags) else Owner.FOREIGN
