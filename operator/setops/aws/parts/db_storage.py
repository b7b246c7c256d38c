"""The storage of an RDS instance: how it grows, and which arguments change it. Pure.

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
"""The arguments of ModifyDBInstance that change the storage."""

_STRIPED: Final = 400
_STRIPED_IOPS: Final = 12_000
"""From 400 GB on, gp3 has at least 12,000 IOPS, and every change has to name the IOPS."""


def storage_fields(found: Found, actual: Found, low: int, high: int | None) -> Iterator[Field]:
    """The size in GB, at least `low`, and the limit `high` up to which it may grow by itself.

    `actual` is the instance as it will be after pending changes.
    """
    there: int = actual["AllocatedStorage"]
    # It may have grown by itself and can't shrink, so a larger size is as wanted.
    size = max(there, low)
    later = ""
    state = found["DBInstanceStatus"]
    if size != there and state == OPTIMIZED:
        later = f"{state}; its storage can be changed again after that"
    allocated = _grown(there, low)
    argument = _argument(found, allocated)
    yield Field(STORAGE, f"{size} GB", f"{there} GB", argument, later=later)
    # The limit depends on the size after this change, and is set in the same call.
    limit = _limit(allocated, high)
    yield Field(
        MAX_STORAGE,
        _gigabytes(limit),
        _gigabytes(actual.get("MaxAllocatedStorage")),
        # A limit equal to the allocated size means that it doesn't grow.
        {"MaxAllocatedStorage": limit or allocated},
        later=later,
    )


def _grown(there: int, low: int) -> int:
    """The size that it will have. If AWS raises it, then by at least a tenth."""
    return there if there >= low else max(low, _tenth_more(there))


def _limit(allocated: int, high: int | None) -> int | None:
    """The limit up to which it may still grow by itself.

    None if there is no room left: AWS accepts only limits at least a tenth above the allocated
    size.
    """
    return None if high is None or high < _tenth_more(allocated) else high


def _tenth_more(size: int) -> int:
    return -(-size * 11 // 10)


def _argument(found: Found, size: int) -> dict[str, int]:
    if size < _STRIPED:
        return {"AllocatedStorage": size}
    return {"AllocatedStorage": size, "Iops": max(found.get("Iops") or 0, _STRIPED_IOPS)}


def _gigabytes(size: int | None) -> str:
    return "no growth" if size is None else f"{size} GB"
