"""The note that a rollback has restored an older version of a Service.

AWS may have installed the newer one before. Then that stays, since AWS can't go back.
"""

from __future__ import annotations

from setops.api import names
from setops.api.kinds import Object
from setops.api.put_back import PutBack
from setops.api.service import ServiceSpec
from setops.reconcile.context import Context


def pin_of(service: Object) -> PutBack | None:
    """The note, if there is one."""
    mark = (service.get("status") or {}).get("versionPutBack") or {}
    if mark:
        return PutBack.of(mark.get("version"), mark.get("taken"))
    return _of_earlier_version(service)


def _of_earlier_version(service: Object) -> PutBack | None:
    """The note that an earlier version of the operator has left in an annotation.

    Users may write that. All that it does is to let a newer version stay, instead of saying that
    AWS can't go back.
    """
    notes = service["metadata"].get("annotations") or {}
    version, _, taken = notes.get(names.ANNOTATION_VERSION_PUT_BACK, "").partition(" from ")
    return PutBack.of(version, taken)


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
    service = await context.cluster.remove_annotation(service, names.ANNOTATION_VERSION_PUT_BACK)
    status = {**(service.get("status") or {}), "versionPutBack": None}
    return await context.cluster.swap_status(service, status)
