"""What a rollback notes in a Service's status for its reconciler.

In the status, which nobody but the operator writes, since these marks decide what becomes of data.
They name the Changeset by its uid.
"""

from __future__ import annotations

from setops.api.kinds import Object
from setops.api.put_back import PutBack
from setops.api.section import Entry
from setops.api.service import RolledBack, ServiceSpec, VersionPutBack
from setops.kube.cluster import Cluster


async def mark_rolled_back(cluster: Cluster, service: Object, changeset: Object) -> Object:
    """Note that the commit that made the Service has failed; nothing is written twice."""
    metadata = changeset["metadata"]
    mark = RolledBack(changeset=metadata["name"], uid=metadata["uid"])
    status = {**(service.get("status") or {}), "rolledBack": mark.to_json()}
    return await cluster.swap_status(service, status)


async def note_version(
    cluster: Cluster,
    service: Object,
    taken: Entry | None,
    changeset: Object,
) -> Object:
    """Note the version in the spec, which a rollback has restored in place of that of `taken`.

    AWS may have upgraded already, and can't downgrade. Nothing is written twice.
    """
    if not isinstance(taken, ServiceSpec):
        return service
    found = PutBack.of(service["spec"].get("version"), taken.version)
    if found is None:
        return service
    metadata = changeset["metadata"]
    mark = VersionPutBack(
        version=found.version,
        taken=found.taken,
        changeset=metadata["name"],
        uid=metadata["uid"],
    )
    status = {**(service.get("status") or {}), "versionPutBack": mark.to_json()}
    return await cluster.swap_status(service, status)
