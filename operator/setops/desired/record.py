"""Where the operator keeps what it must remember of a Stage, and how that is told from forgeries.

Records are ControllerRevisions in the Stage's namespace, owned by the Namespace object. Kubernetes'
own roles let nobody write ControllerRevisions. Who may read them there may read the Stage's Apps as
well. Their data can't be changed; a record that changes is written anew under the next number.

Workloads of members have ControllerRevisions, too, with labels and annotations of the members'
choice. Those belong to their StatefulSets and DaemonSets, or to nobody. Pure.
"""

from __future__ import annotations

from collections.abc import Callable

from setops.api import names
from setops.api.kinds import CONTROLLER_REVISION, NAMESPACE, Object

RecordName = Callable[[str, int], str]
"""The name of a record of a Stage with this number: `names.revision_name` for a revision."""


def is_record(obj: Object, stage: str, name_of: RecordName) -> bool:
    """Whether an object of a Stage's namespace is a record of that Stage, of this sort."""
    metadata = obj["metadata"]
    number = obj.get("revision", 0)
    owners: list[Object] = metadata.get("ownerReferences") or []
    return (
        isinstance(number, int)
        and number > 0
        and metadata["name"] == name_of(stage, number)
        and (metadata.get("labels") or {}).get(names.LABEL_STAGE) == stage
        and len(owners) == 1
        and owners[0]["apiVersion"] == NAMESPACE.api_version
        and owners[0]["kind"] == NAMESPACE.kind
        and owners[0]["name"] == metadata["namespace"]
    )


def data_of(obj: Object) -> Object:
    """The data of a record; empty where it has none that can be read."""
    data = obj.get("data")
    return data if isinstance(data, dict) else {}


def record(
    stage: str,
    namespace: Object,
    name: str,
    number: int,
    *,
    labels: dict[str, str],
    annotations: dict[str, str],
    data: object,
) -> Object:
    """A record. `namespace` is the live Namespace object of the Stage."""
    metadata = namespace["metadata"]
    owner = {
        "apiVersion": NAMESPACE.api_version,
        "kind": NAMESPACE.kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
    }
    ours = {names.LABEL_MANAGED_BY: names.MANAGER, names.LABEL_STAGE: stage}
    return {
        "apiVersion": CONTROLLER_REVISION.api_version,
        "kind": CONTROLLER_REVISION.kind,
        "metadata": {
            "name": name,
            "namespace": metadata["name"],
            "labels": {**labels, **ours},
            "annotations": annotations,
            "ownerReferences": [owner],
        },
        "revision": number,
        "data": data,
    }
