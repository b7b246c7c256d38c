"""Which fields of a resource belong to Git, according to its field managers. Pure.

A manager that uses server-side apply owns the fields that it applied. One that uses updates also
owns the defaults that the schema filled in, so its last-applied annotation counts instead. Source:
what Argo CD and Flux leave on the objects that they write.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from setops.api.names import ANNOTATION_LAST_APPLIED
from setops.changes.diff import Action, Change, FieldDelta, Path
from setops.changes.in_place import spec_with

TRACKING_ANNOTATIONS: Final = ("argocd.argoproj.io/tracking-id",)
TRACKING_LABELS: Final = (
    "argocd.argoproj.io/instance",
    "kustomize.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/name",
)

Object = Mapping[str, Any]


def owner_of(change: Change, live: Object, managers: Collection[str]) -> tuple[str, Path] | None:
    """Who owns a changed field on behalf of Git, and the field's path; None when nobody does.

    An empty path means the whole resource, which a Git tool tracks and would create again.
    """
    if change.action in (Action.DESTROY, Action.REPLACE):
        tracker = tracker_of(live)
        return (tracker, ()) if tracker else None
    left = _spec_after(change, live)
    for manager, path in owned_fields(live, managers):
        if any(_touches(delta, path, left) for delta in change.fields):
            return manager, path
    return None


def tracker_of(live: Object) -> str | None:
    """The label or annotation by which a Git tool tracks the resource; None without one."""
    metadata = live["metadata"]
    for names, found in (
        (TRACKING_ANNOTATIONS, metadata.get("annotations") or {}),
        (TRACKING_LABELS, metadata.get("labels") or {}),
    ):
        for name in names:
            if name in found:
                return name
    return None


def owned_fields(live: Object, managers: Collection[str]) -> Iterator[tuple[str, Path]]:
    """The fields of the spec that the managers hold, each with its manager; leaves only."""
    for entry in live["metadata"].get("managedFields") or ():
        manager = entry.get("manager", "")
        if manager not in managers or entry.get("subresource"):
            continue
        if entry.get("operation") == "Apply":
            fields = (entry.get("fieldsV1") or {}).get("f:spec") or {}
            paths: Iterable[Path] = _leaves(fields, ())
        else:
            paths = _last_applied(live)
        for path in paths:
            yield manager, path


def _spec_after(change: Change, live: Object) -> Object:
    if change.before is None or change.after is None:
        return {}
    return spec_with(change.section, live, change.before, change.after)


def _touches(delta: FieldDelta, owned: Path, left: Object) -> bool:
    """Whether a change sets or removes what somebody owns; `left` is the spec after it.

    Whoever owns an empty map owns nothing of what others put into it, only that it is there.
    """
    if delta.path[: len(owned)] == owned and delta.path != owned:
        return not _is_there(left, owned)
    return owned[: len(delta.path)] == delta.path


def _is_there(spec: Any, path: Path) -> bool:
    for name in path:
        if not isinstance(spec, Mapping) or name not in spec:
            return False
        spec = spec[name]
    return True


def _leaves(fields: Mapping[str, Any], path: Path) -> Iterator[Path]:
    inner = {name: value for name, value in fields.items() if name.startswith("f:")}
    if not inner and path:
        yield path
    for name, value in inner.items():
        yield from _leaves(value, (*path, name.removeprefix("f:")))


def _last_applied(live: Object) -> Iterator[Path]:
    text = (live["metadata"].get("annotations") or {}).get(ANNOTATION_LAST_APPLIED)
    try:
        applied = json.loads(text) if text else {}
    except ValueError:
        return
    yield from _values(applied.get("spec") if isinstance(applied, Mapping) else None, ())


def _values(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, Mapping) and value:
        for key, child in value.items():
            yield from _values(child, (*path, str(key)))
    elif path:
        yield path
