"""Single writes of a commit and of its rollback, each safe to repeat after a kill.

Edits that somebody else made meanwhile are kept. If they changed a field that the plan changes, the
write fails with EditedError.
"""

from __future__ import annotations

from setops.api.kinds import SERVICE, Key, Object
from setops.api.names import MANAGER
from setops.api.section import Entry
from setops.changes.diff import Action, Change
from setops.changes.in_place import spec_with
from setops.kube.cluster import Cluster
from setops.kube.errors import AlreadyExists
from setops.reconcile.changeset.entries import is_done, key_of_change, merged_over
from setops.reconcile.changeset.marks import mark_rolled_back, note_version
from setops.reconcile.live import entry_in
from setops.reconcile.stage_around import is_deleting


class EditedError(Exception):
    """Somebody changed an entry that the commit changes, after its plan was made."""


class NotYetError(Exception):
    """An earlier object of the same name has to be gone before the new one can be created."""


async def write(cluster: Cluster, namespace: str, change: Change, *, dry_run: bool) -> None:
    """Carry one change out, or ask for it as a dry run.

    Raises EditedError if the resource is neither as before nor as after, NotYetError while an
    earlier one of that name is being deleted, and ApiError for what the API server refuses.
    """
    if is_done(cluster, namespace, change):
        return
    key = key_of_change(namespace, change)
    live = cluster.get(key)
    if live is not None and is_deleting(live):
        if dry_run:
            return
        raise NotYetError(waits_for(key))
    if live is None:
        await _create(cluster, key, change, dry_run=dry_run)
        return
    if change.action is Action.UPDATE:
        await _update(cluster, change, live, dry_run=dry_run)
        return
    if change.before is None or entry_in(change.section, live) != change.before:
        raise EditedError(
            f"{key.kind} {key.name!r} was changed by somebody else while the commit ran"
        )
    await cluster.delete(key, uid=live["metadata"]["uid"], dry_run=dry_run)
    if change.action is Action.REPLACE and not dry_run:
        if cluster.get(key) is not None:
            raise NotYetError(waits_for(key))
        await _create(cluster, key, change, dry_run=False)


async def delete_for_good(cluster: Cluster, namespace: str, change: Change) -> None:
    """Delete a resource after the point of no return, whatever was edited meanwhile."""
    key = key_of_change(namespace, change)
    live = cluster.get(key)
    if live is not None and not is_deleting(live):
        await cluster.delete(key, uid=live["metadata"]["uid"])


async def revert(cluster: Cluster, change: Change, changeset: Object) -> None:
    """Carry out one change of a Changeset's rollback, by what the API server has, not the cache.

    If the answer to a write was lost, the cache may not know of that write yet. Fields that
    somebody else has changed meanwhile are left alone. Raises as `write` does.
    """
    namespace = changeset["metadata"]["namespace"]
    key = key_of_change(namespace, change)
    live = await cluster.fetch(key)
    if change.action is Action.UPDATE and live is not None and not is_deleting(live):
        spec = entry_in(change.section, live)
        if spec is not None and (merged := merged_over(change, spec)).entry != spec:
            live = await cluster.replace(_with_spec(change, live, spec, merged.entry))
        # Also if the spec was put back before a kill.
        await note_version(cluster, live, change.before, changeset)
        return
    if change.after is None and live is not None and not is_deleting(live):
        if not _made_by_us(change, live):
            raise EditedError(f"{key.kind} {key.name!r} was created by somebody else")
        if key.kind == SERVICE:
            live = await mark_rolled_back(cluster, live, changeset)
        await cluster.delete(key, uid=live["metadata"]["uid"])
        return
    await write(cluster, namespace, change, dry_run=False)


def waits_for(key: Key) -> str:
    """What a commit says while an earlier resource of that name is being deleted."""
    return f"waits for the {key.kind} {key.name!r} that is being deleted"


async def _update(cluster: Cluster, change: Change, live: Object, *, dry_run: bool) -> None:
    what = f"{live['kind']} {change.name!r}"
    spec = entry_in(change.section, live)
    if spec is None:
        raise EditedError(f"{what} was changed by somebody else while the commit ran")
    merged = merged_over(change, spec)
    if merged.conflicts:
        fields = ", ".join(".".join(path) for path in merged.conflicts)
        raise EditedError(f"{fields} of {what} was changed by somebody else while the commit ran")
    await cluster.replace(_with_spec(change, live, spec, merged.entry), dry_run=dry_run)


def _with_spec(change: Change, live: Object, before: Entry, after: Entry) -> Object:
    """The object to send for an update, without managedFields, which the update would replace."""
    metadata = {k: v for k, v in live["metadata"].items() if k != "managedFields"}
    spec = spec_with(change.section, live, before, after)
    return {**live, "metadata": metadata, "spec": spec}


def _made_by_us(change: Change, live: Object) -> bool:
    """Whether the commit created it. `live` is whole, not as the cache has it.

    The API server drops the managedFields of an object that would be too large with them. Then it
    is ours if it is what was created.
    """
    managed = live["metadata"].get("managedFields")
    if not managed:
        return entry_in(change.section, live) == change.before
    return any(
        entry.get("manager") == MANAGER
        and not entry.get("subresource")
        and "f:spec" in (entry.get("fieldsV1") or {})
        for entry in managed
    )


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
        # It is ours if the answer to an earlier create was lost and the cache doesn't know of it.
        live = await cluster.fetch(key)
        if live is None or is_deleting(live):
            raise NotYetError(waits_for(key)) from error
        if entry_in(change.section, live) != change.after:
            raise EditedError(
                f"{key.kind} {key.name!r} was created by somebody else meanwhile"
            ) from error
