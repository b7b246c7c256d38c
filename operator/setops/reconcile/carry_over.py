"""Moves a Stage's history to where no role of users can write, from where earlier versions kept it.

That was the Project's namespace: revisions as ControllerRevisions that the Stage owns, the ledger
as a ConfigMap. As long as a revision is there, the move isn't over, and it goes on after a kill.
The ledger comes first: a ConfigMap of its name that somebody makes later isn't looked at.
"""

from __future__ import annotations

from setops.api import names
from setops.api.kinds import Object, key_of
from setops.kube.cluster import ANNOTATION_DESIRED
from setops.reconcile import ledger, records, revisions
from setops.reconcile.context import Context


async def carry_over(context: Context, stage: Object) -> None:
    """Move what is left to move. Raises as `records.make`."""
    cluster = context.cluster
    left = revisions.earlier(cluster, stage)
    if not left:
        return
    first = revisions.first_of_earlier_version(cluster, stage)
    await ledger.carry_over(cluster, stage, first)
    for item in left:
        await _move(context, stage, item)


async def _move(context: Context, stage: Object, item: Object) -> None:
    """Copy a revision with its data as it is, then delete it where it was."""
    cluster, number = context.cluster, int(item["revision"])
    there = records.kept(cluster, stage, names.revision_name)
    if number not in {int(each["revision"]) for each in there}:
        found = await cluster.fetch(key_of(item))
        if found is None:
            return
        metadata = found["metadata"]
        notes = {
            name: text
            for name, text in (metadata.get("annotations") or {}).items()
            if name != ANNOTATION_DESIRED
        }
        labels = metadata.get("labels") or {}
        wanted = records.make(
            cluster, stage, names.revision_name, number, found.get("data"), labels, notes
        )
        if await records.write(cluster, wanted) is None:
            # It stays readable where it is.
            records.tell_ignored(context, stage, key_of(wanted), "the operator hasn't made it")
            return
    await records.delete(cluster, [item])
