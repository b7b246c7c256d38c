"""What AWS has accepted and doesn't show yet, kept in the status across a restart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from setops.api.kinds import Object, key_of
from setops.api.service import AskedChange
from setops.aws.target import Asking
from setops.reconcile.context import Context


def asked_before(service: Object) -> tuple[Asking, ...]:
    """What AWS was asked for, as the status has it."""
    kept = map(AskedChange.model_validate, (service.get("status") or {}).get("asked") or ())
    return tuple(
        Asking(
            each.path or "",
            each.wanted or "",
            each.actual or "",
            datetime.fromisoformat(each.at),
            datetime.fromisoformat(each.last),
        )
        for each in kept
    )


def asked_field(asked: Sequence[Asking]) -> list[dict[str, Any]] | None:
    """The field of the status."""
    entries = [
        AskedChange(
            path=each.path or None,
            wanted=each.wanted if each.path else None,
            actual=each.actual if each.path else None,
            at=each.at.isoformat(),
            last=each.last.isoformat(),
        ).to_json()
        for each in asked
    ]
    return entries or None


async def store_asked(context: Context, service: Object, asked: Sequence[Asking]) -> None:
    """Store it at once. Raises Conflict if the Service has changed in the meantime."""
    latest = context.cluster.get(key_of(service)) or service
    status = {**(latest.get("status") or {}), "asked": asked_field(asked)}
    await context.cluster.swap_status(latest, status)
