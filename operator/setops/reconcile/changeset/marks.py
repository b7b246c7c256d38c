"""Annotations by which a rollback tells a Service's reconciler what it has reverted."""

from __future__ import annotations

from setops.api.kinds import Object
from setops.api.names import ANNOTATION_ROLLED_BACK, ANNOTATION_VERSION_PUT_BACK
from setops.api.put_back import PutBack
from setops.api.section import Entry
from setops.api.service import ServiceSpec
from setops.kube.cluster import Cluster


def with_version_noted(live: Object, restored: Entry) -> Object:
    """AWS may have upgraded already, and can't downgrade; so the older version is noted."""
    if not isinstance(restored, ServiceSpec):
        return live
    noted = PutBack.of(restored.version, live["spec"].get("version"))
    return _with_annotation(live, ANNOTATION_VERSION_PUT_BACK, str(noted)) if noted else live


async def mark_rolled_back(cluster: Cluster, service: Object) -> Object:
    """Note that the commit that made the Service has failed; nothing is written twice."""
    marked = _with_annotation(service, ANNOTATION_ROLLED_BACK, "true")
    return service if marked == service else await cluster.replace(marked)


def _with_annotation(live: Object, annotation: str, value: str) -> Object:
    metadata = live["metadata"]
    annotations = {**(metadata.get("annotations") or {}), annotation: value}
    return {**live, "metadata": {**metadata, "annotations": annotations}}
