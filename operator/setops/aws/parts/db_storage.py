"""The storage of an RDS instance: how it grows, and what AWS takes for that. Pure.

Source: the Amazon RDS User Guide (storage autoscaling, gp3) and the API reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from setops.aws.observation import Found
from setops.aws.part import Field
from setops.aws.parts.db_state import OPTIMIZED

STORAGE: Final = "instance.storage"
MAX_STORAGE: Final = "instance.maxStorage"
ARGUMENTS: Final = ("AllocatedStorage", "Iops", "MaxAllocatedStorage")
"""What a call that changes the storage takes."""

_STRIPED: Final = 400
_STRIPED_IOPS: Final = 12_000
"""From so many GB on, gp3 has so many IOPS at least, and AWS wants them named in each change."""


def storage_fields(found: Found, actual: Found, low: int, high: int | None) -> Iterator[Field]:
    """The size in GB, `low` at least, and `high`, up to which it may grow by itself.

    `actual` is the instance with what is pending.
    """
    there: int = actual["AllocatedStorage"]
    # It may have grown by itself, and can't shrink: more than was asked for is as wanted.
    size = max(there, low)
    later = ""
    state = found["DBInstanceStatus"]
    if size != there and state == OPTIMIZED:
        later = f"{state}; its storage can be changed again after that"
    allocated = _grown(there, low)
    argument = _argument(found, allocated)
    yield Field(STORAGE, f"{size} GB", f"{there} GB", argument, later=later)
    # The limit is that of the storage as it will be, and comes with it.
    limit = _limit(allocated, high)
    yield Field(
        MAX_STORAGE,
        _gigabytes(limit),
        _gigabytes(actual.get("MaxAllocatedStorage")),
        # A limit that is what there is already means that it doesn't grow.
        {"MaxAllocatedStorage": limit or allocated},
        later=later,
    )


def _grown(there: int, low: int) -> int:
    """The storage that it will have. AWS rounds up what is less than a tenth more."""
    return there if there >= low else max(low, _tenth_more(there))


def _limit(allocated: int, high: int | None) -> int | None:
    """Up to where it may still grow by itself; None where AWS has no room left to offer, which it
    does from a tenth more than is allocated on."""
    return None if high is None or high < _tenth_more(allocated) else high


def _tenth_more(size: int) -> int:
    return -(-size * 11 // 10)


def _argument(found: Found, size: int) -> dict[str, int]:
    if size < _STRIPED:
        return {"AllocatedStorage": size}
    return {"AllocatedStorage": size, "Iops": max(found.get("Iops") or 0, _STRIPED_IOPS)}


def _gigabytes(size: int | None) -> str:
    return "no growth" if size is None else f"{size} GB"
