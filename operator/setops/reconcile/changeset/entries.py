"""Compares the live resource of a change with what the plan expects.

A resource that has what was planned is done. If somebody else changed it meanwhile, it also counts
as done if every field that the plan changes has the planned value. That makes every write safe to
repeat after a kill.
"""

from __future__ import annotations

from setops.api.kinds import Key
from setops.api.section import Entry
from setops.changes.diff import Action, Change
from setops.changes.merge import EntryMerge, merge_entry
from setops.kube.cluster import Cluster
from setops.reconcile.live import entry_in
from setops.reconcile.stage_around import is_deleting


def key_of_change(namespace: str, change: Change) -> Key:
    """The resource that a change is about."""
    return Key(change.section.kind, namespace, change.name)


def is_done(cluster: Cluster, namespace: str, change: Change) -> bool:
    """Whether the resource is as the change wants it."""
    live = cluster.get(key_of_change(namespace, change))
    if live is None or is_deleting(live):
        return change.after is None
    spec = entry_in(change.section, live)
    if change.action is not Action.UPDATE or spec is None or spec == change.after:
        return change.after is not None and spec == change.after
    merged = merged_over(change, spec)
    return not merged.conflicts and merged.entry == spec


def is_blocked(cluster: Cluster, namespace: str, change: Change) -> bool:
    """Whether an earlier resource of that name has to be gone before this one can be written."""
    live = cluster.get(key_of_change(namespace, change))
    return change.after is not None and live is not None and is_deleting(live)


def is_as_before(cluster: Cluster, namespace: str, change: Change) -> bool:
    """Whether a resource to be destroyed is as planned, or is already being deleted."""
    live = cluster.get(key_of_change(namespace, change))
    return live is None or is_deleting(live) or entry_in(change.section, live) == change.before


def merged_over(change: Change, live: Entry) -> EntryMerge:
    """What an update makes of a spec that others may have changed meanwhile."""
    before, after = change.before, change.after
    if before is None or after is None:  # no update
        raise ValueError(f"{change.action} of {change.name} has nothing to merge")
    if live == before:
        return EntryMerge(after, ())
    return merge_entry(change.section, change.name, (before, after, live))
