"""Single writes of a commit: each compares what is there with what the plan expects.

An entry that is as planned is left alone, one that is as before is written, and anything else was
changed by somebody meanwhile. That makes every write safe to repeat after a kill.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from setops.api.conditions import ConditionType, find, is_true
from setops.api.definition import MODELS, SECTIONS, Entry, StageDefinition
from setops.api.errors import Problem, ProblemsError, problems_of
from setops.api.kinds import SERVICE, Key, Object
from setops.api.names import ANNOTATION_ROLLED_BACK
from setops.changes.diff import Action, Change
from setops.kube.cluster import Cluster
from setops.kube.errors import AlreadyExists
from setops.reconcile.places import is_deleting


class EditedError(Exception):
    """Somebody changed an entry that the commit changes, after its plan was made."""


class NotYetError(Exception):
    """The object of an earlier life has to go before the new one can be made."""


def live_definition(cluster: Cluster, namespace: str) -> StageDefinition:
    """The Stage's definition as its resources have it; what is being deleted counts as gone.

    Raises ProblemsError for a resource that the API server took and the definition can't hold.
    """
    sections: dict[str, dict[str, Entry]] = {}
    problems: list[Problem] = []
    for section, kind in SECTIONS.items():
        entries = sections.setdefault(section, {})
        for obj in cluster.list(kind, namespace):
            if is_deleting(obj):
                continue
            name = obj["metadata"]["name"]
            try:
                entries[name] = MODELS[section].model_validate(obj["spec"])
            except ValidationError as error:
                problems += problems_of(error, f"{section}.{name}")
    if problems:
        raise ProblemsError(problems)
    ordered = {section: dict(sorted(entries.items())) for section, entries in sections.items()}
    return StageDefinition.model_construct(**ordered)  # type: ignore[arg-type]


def key_of_change(namespace: str, change: Change) -> Key:
    """The resource that a change is about."""
    return Key(SECTIONS[change.section], namespace, change.name)


def is_done(cluster: Cluster, namespace: str, change: Change) -> bool:
    """Whether the resource stands as the change wants it."""
    live = cluster.get(key_of_change(namespace, change))
    if change.after is None:
        return live is None or is_deleting(live)
    return live is not None and not is_deleting(live) and _spec(change, live) == change.after


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
    if change.before is None or _spec(change, live) != change.before:
        raise EditedError(
            f"{key.kind} {key.name!r} was changed by somebody else while the commit ran"
        )
    if change.action is Action.UPDATE and change.after is not None:
        spec = change.after.to_json()
        await cluster.replace({**live, "spec": spec}, dry_run=dry_run)
        return
    if not dry_run:
        await cluster.delete(key, uid=live["metadata"]["uid"])
        if change.action is Action.REPLACE:
            await _create_again(cluster, key, change)


async def take_back(cluster: Cluster, namespace: str, change: Change) -> None:
    """Carry out one change of a rollback, by what the API server has, not the cache.

    The cache may not know yet of a write of which the answer was lost. Raises as `write` does.
    """
    key = key_of_change(namespace, change)
    live = await cluster.fetch(key)
    ours = live is not None and not is_deleting(live) and _spec(change, live) == change.before
    if live is not None and ours and key.kind == SERVICE and change.after is None:
        metadata = live["metadata"]
        notes = {**(metadata.get("annotations") or {}), ANNOTATION_ROLLED_BACK: "true"}
        if notes != metadata.get("annotations"):
            await cluster.replace({**live, "metadata": {**metadata, "annotations": notes}})
    await write(cluster, namespace, change, dry_run=False)


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
        return MODELS[change.section].model_validate(live["spec"])
    except ValidationError:
        return None
