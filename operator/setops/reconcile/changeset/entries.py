"""Single writes of a commit: each compares what is there with what the plan expects.

An entry that has what was planned is left alone, one that is as before is written. What somebody
else changed meanwhile stays, unless it is the very field that the plan changes: then the write is
refused. That makes every write safe to repeat after a kill.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from setops.api.conditions import ConditionType, find, is_true
from setops.api.definition import StageDefinition, of_resources
from setops.api.kinds import SERVICE, Key, Object
from setops.api.names import ANNOTATION_ROLLED_BACK, ANNOTATION_VERSION_PUT_BACK, MANAGER
from setops.api.put_back import PutBack
from setops.api.section import SECTIONS, Entry, Section
from setops.api.service import ServiceSpec
from setops.changes.diff import Action, Change
from setops.changes.merge import EntryMerge, merge_entry
from setops.kube.cluster import Cluster
from setops.kube.errors import AlreadyExists
from setops.reconcile.places import is_deleting
from setops.reconcile.revisions import Author


class EditedError(Exception):
    """Somebody changed an entry that the commit changes, after its plan was made."""


class NotYetError(Exception):
    """The object of an earlier life has to go before the new one can be made."""


def live_definition(cluster: Cluster, namespace: str) -> StageDefinition:
    """The Stage's definition as its resources have it; what is being deleted counts as gone.

    Raises ProblemsError for a resource that the API server took and the definition can't hold.
    """
    return of_resources({section: cluster.list(section.kind, namespace) for section in SECTIONS})


def key_of_change(namespace: str, change: Change) -> Key:
    """The resource that a change is about."""
    return Key(change.section.kind, namespace, change.name)


def is_done(cluster: Cluster, namespace: str, change: Change) -> bool:
    """Whether the resource stands as the change wants it."""
    live = cluster.get(key_of_change(namespace, change))
    if live is None or is_deleting(live):
        return change.after is None
    spec = _spec(change, live)
    if change.action is not Action.UPDATE or spec is None or spec == change.after:
        return change.after is not None and spec == change.after
    merged = _merged(change, spec)
    return not merged.conflicts and merged.entry == spec


async def write(cluster: Cluster, namespace: str, change: Change, *, dry_run: bool) -> None:
    """Carry one change out, or rehearse it.

    Raises EditedError when the resource is neither as before nor as after, NotYetError while one
    of that name is going, and ApiError for what the API server refuses.
    """
    if is_done(cluster, namespace, change):
        return
    key = key_of_change(namespace, change)
    live = cluster.get(key)
    if live is not None and is_deleting(live):
        if dry_run:
            return
        raise NotYetError(f"waits for the {key.kind} {key.name!r} that is being deleted")
    if live is None:
        await _create(cluster, key, change, dry_run=dry_run)
        return
    if change.action is Action.UPDATE:
        await _update(cluster, change, live, dry_run=dry_run)
        return
    if change.before is None or _spec(change, live) != change.before:
        raise EditedError(
            f"{key.kind} {key.name!r} was changed by somebody else while the commit ran"
        )
    await cluster.delete(key, uid=live["metadata"]["uid"], dry_run=dry_run)
    if change.action is Action.REPLACE and not dry_run:
        await _create_again(cluster, key, change)


def is_as_before(cluster: Cluster, namespace: str, change: Change) -> bool:
    """Whether what is to be destroyed stands as planned, or is going already."""
    live = cluster.get(key_of_change(namespace, change))
    return live is None or is_deleting(live) or _spec(change, live) == change.before


def live_entry(cluster: Cluster, namespace: str, section: Section, name: str) -> Entry | None:
    """One entry of the live definition; None where there is none that the definition can hold."""
    live = cluster.get(Key(section.kind, namespace, name))
    if live is None or is_deleting(live):
        return None
    try:
        return section.model.model_validate(live["spec"])
    except ValidationError:
        return None


def last_editor(cluster: Cluster, namespace: str) -> Author:
    """Who edited the Stage's resources last, beside Changesets: a field manager."""
    managers = [
        (str(entry.get("time", "")), str(entry.get("manager", "")))
        for section in SECTIONS
        for live in cluster.list(section.kind, namespace)
        for entry in live["metadata"].get("managedFields") or ()
    ]
    _, manager = max(managers, default=("", ""))
    return Author(manager=manager, message="edited directly, not through a Changeset")


async def finish_off(cluster: Cluster, namespace: str, change: Change) -> None:
    """Carry out a destruction past the point of no return, whatever was edited meanwhile."""
    live = cluster.get(key_of_change(namespace, change))
    if live is not None and not is_deleting(live):
        metadata = live["metadata"]
        await cluster.delete(key_of_change(namespace, change), uid=metadata["uid"])


async def _update(cluster: Cluster, change: Change, live: Object, *, dry_run: bool) -> None:
    spec = _spec(change, live)
    if spec is None:
        raise EditedError(
            f"{live['kind']} {change.name!r} was changed by somebody else while the commit ran"
        )
    merged = _merged(change, spec)
    if merged.conflicts:
        fields = ", ".join(".".join(path) for path in merged.conflicts)
        raise EditedError(
            f"{fields} of {live['kind']} {change.name!r} was changed by somebody else while the "
            "commit ran"
        )
    await cluster.replace(_with_spec(live, merged.entry), dry_run=dry_run)


def _merged(change: Change, live: Entry) -> EntryMerge:
    before, after = change.before, change.after
    if before is None or after is None:  # no update
        raise ValueError(f"{change.action} of {change.name} has nothing to merge")
    if live == before:
        return EntryMerge(after, ())
    return merge_entry(change.section, change.name, (before, after, live))


def _with_spec(live: Object, spec: Entry) -> Object:
    """What is sent for an update; without managers, which would be taken for the whole truth."""
    metadata = {k: v for k, v in live["metadata"].items() if k != "managedFields"}
    return {**live, "metadata": metadata, "spec": spec.to_json()}


async def take_back(cluster: Cluster, namespace: str, change: Change) -> None:
    """Carry out one change of a rollback, by what the API server has, not the cache.

    The cache may not know yet of a write of which the answer was lost. Fields that somebody else
    has changed meanwhile are left alone. Raises as `write` does.
    """
    key = key_of_change(namespace, change)
    live = await cluster.fetch(key)
    if change.action is Action.UPDATE and live is not None and not is_deleting(live):
        spec = _spec(change, live)
        if spec is not None and (merged := _merged(change, spec)).entry != spec:
            await cluster.replace(_with_spec(_with_version_noted(live, merged.entry), merged.entry))
        return
    if change.after is None and live is not None and not is_deleting(live):
        if not _made_by_us(live):
            raise EditedError(f"{key.kind} {key.name!r} was created by somebody else")
        if key.kind == SERVICE:
            live = await _mark_rolled_back(cluster, live)
        await cluster.delete(key, uid=live["metadata"]["uid"])
        return
    await write(cluster, namespace, change, dry_run=False)


def _made_by_us(live: Object) -> bool:
    """Whether a commit wrote its spec. `live` is whole, not as the cache has it."""
    return any(
        entry.get("manager") == MANAGER
        and not entry.get("subresource")
        and "f:spec" in (entry.get("fieldsV1") or {})
        for entry in live["metadata"].get("managedFields") or ()
    )


def _with_version_noted(live: Object, put_back: Entry) -> Object:
    """AWS may have brought in the version that is taken back, and no version goes back there."""
    if not isinstance(put_back, ServiceSpec):
        return live
    noted = PutBack.of(put_back.version, live["spec"].get("version"))
    return _with_note(live, ANNOTATION_VERSION_PUT_BACK, str(noted)) if noted else live


def _with_note(live: Object, annotation: str, value: str) -> Object:
    metadata = live["metadata"]
    notes = {**(metadata.get("annotations") or {}), annotation: value}
    return {**live, "metadata": {**metadata, "annotations": notes}}


async def _mark_rolled_back(cluster: Cluster, service: Object) -> Object:
    marked = _with_note(service, ANNOTATION_ROLLED_BACK, "true")
    return service if marked == service else await cluster.replace(marked)


async def _create_again(cluster: Cluster, key: Key, change: Change) -> None:
    if cluster.get(key) is not None:
        raise NotYetError(f"waits for the {key.kind} {key.name!r} that is being deleted")
    await _create(cluster, key, change, dry_run=False)


async def _create(cluster: Cluster, key: Key, change: Change, *, dry_run: bool) -> None:
    if change.after is None or change.action is Action.UPDATE:
        raise EditedError(f"{key.kind} {key.name!r} was deleted by somebody else meanwhile")
    try:
        await cluster.create(
            {
                "apiVersion": key.kind.api_version,
                "kind": key.kind.kind,
                "metadata": {"name": key.name, "namespace": key.namespace},
                "spec": change.after.to_json(),
            },
            dry_run=dry_run,
        )
    except AlreadyExists as error:
        # Ours, when the answer to an earlier create was lost and the cache doesn't know of it.
        live = await cluster.fetch(key)
        if live is None or is_deleting(live):
            raise NotYetError(
                f"waits for the {key.kind} {key.name!r} that is being deleted"
            ) from error
        if _spec(change, live) != change.after:
            raise EditedError(
                f"{key.kind} {key.name!r} was created by somebody else meanwhile"
            ) from error


def is_ready(cluster: Cluster, namespace: str, change: Change) -> bool:
    """Whether the changed resource does what its new spec says; what goes needs no waiting."""
    if change.after is None:
        return is_done(cluster, namespace, change)
    live = cluster.get(key_of_change(namespace, change))
    return live is not None and is_true(
        live.get("status"), ConditionType.READY, live["metadata"].get("generation", 1)
    )


def ready_since(cluster: Cluster, namespace: str, change: Change) -> str | None:
    """Since when the changed resource has been ready, RFC 3339; None when it isn't."""
    if not is_ready(cluster, namespace, change):
        return None
    live = cluster.get(key_of_change(namespace, change)) or {}
    ready = find(live.get("status"), ConditionType.READY)
    return str(ready["lastTransitionTime"]) if ready else None


def verdict(cluster: Cluster, namespace: str, change: Change) -> tuple[bool, str]:
    """Whether the changed resource is stalled, and what it says about itself."""
    live = cluster.get(key_of_change(namespace, change))
    if live is None:
        return False, "isn't there yet"
    status: Mapping[str, Any] = live.get("status") or {}
    ready = find(status, ConditionType.READY)
    if ready is None:
        return False, "hasn't been looked at yet"
    generation = live["metadata"].get("generation", 1)
    return is_true(status, ConditionType.STALLED, generation), str(ready["message"])


def _spec(change: Change, live: Object) -> Entry | None:
    try:
        return change.section.model.model_validate(live["spec"])
    except ValidationError:
        return None
