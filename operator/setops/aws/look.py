"""A look at a part: what exists under its id, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import ClientError

from setops.aws.errors import ConflictError, WaitError, code_of
from setops.aws.observation import Found, Inventory
from setops.aws.ownership import Ownership
from setops.aws.part import Part


@dataclass(frozen=True, slots=True)
class Look:
    """What was found under the id of a part, and whose it is. `examined`: with all details."""

    part: Part
    found: Found | None
    ownership: Ownership
    examined: bool = False

    @property
    def ours(self) -> Found | None:
        """What was found if it is ours."""
        return self.found if self.ownership is Ownership.OURS else None

    @property
    def details(self) -> Found | None:
        """What was found if it is ours, with all details, which may take calls.

        None also if it is gone by the time of these calls.
        """
        found = self.ours
        if found is None or self.examined:
            return found
        try:
            return self.part.examine(found)
        except ClientError as error:
            if code_of(error) in self.part.gone_codes:
                return None
            raise


def look_at(part: Part, inventory: Inventory) -> Look:
    """Looks at a part: in the inventory if that has its kind, else by a call."""
    listed = inventory.get(part.kind)
    found = part.find() if listed is None else listed.get(part.inventory_key)
    return Look(part, found, part.ownership(found))


def glance_at(part: Part, inventory: Inventory) -> Look:
    """Looks at a part whose main part is ours.

    An inventory may have it without its tags. Then it is taken for ours, which saves a call each
    time. Its tags are read before anything is done to it.
    """
    listed = inventory.get(part.kind)
    if listed is None or part.tags_listed or part.inventory_key not in listed:
        return look_at(part, inventory)
    return Look(part, listed[part.inventory_key], Ownership.OURS)


def look_at_made(part: Part) -> Look:
    """Looks at a part after its create call.

    It may have existed before: AWS reports success then, too. Raises ConflictError if it is
    somebody else's, and WaitError while AWS doesn't show it.
    """
    look = look_at(part, {})
    match look.ownership:
        case Ownership.OURS:
            return look
        case Ownership.FOREIGN:
            raise ConflictError(part.message)
        case Ownership.NOBODY:
            message = f"AWS doesn't show {part.message} yet, which was just made"
            raise WaitError(f"{message}; it is looked at again", code="NotFound")
