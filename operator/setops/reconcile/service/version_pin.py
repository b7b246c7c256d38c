"""The note that a rollback has restored an older version of a Service.

AWS may have installed the newer one before. Then that stays, since AWS can't go back.
"""

from __future__ import annotations

from setops.api.kinds import Object
from setops.api.put_back import PutBack
from setops.api.service import ServiceSpec
from setops.reconcile.context import Context


def pin_of(service: Object) -> PutBack | None:
    """The note, if there is one."""
    mark = (service.get("status") or {}).get("versionPutBack") or {}
    return PutBack.of(mark.get("version"), mark.get("taken"))


async def forget_pin(
    context: Context, service: Object, spec: ServiceSpec, actual: str | None = None
) -> Object:
    """Remove the note if it no longer applies.

    That is so if another version is wanted since, or if AWS never installed the newer one. `actual`
    is the version that was observed, if it was.
    """
    pin = pin_of(service)
    if pin is None:
        return service
    # While the spec names no version, the note stays: the commit that removed the version may be
    # rolled back as well.
    if spec.version in (None, pin.version) and (actual is None or pin.covers(actual)):
        return service
    status = {**service["status"], "versionPutBack": None}
    return await context.cluster.swap_status(service, status)
