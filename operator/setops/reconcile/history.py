"""Which revisions of a Stage are kept, so that no autoscaler takes the whole history.

- A direct edit that only scaled goes once the same field manager has scaled the same Apps again,
  with nothing but direct edits in between. So an autoscaler leaves one revision, however often it
  scales. Any other edit stays: a field manager is a name that anybody may choose, and nobody may
  take another's edit out of the history by it.
- Of Changesets and of direct edits the last KEPT stay, each for themselves. So the edits of many
  autoscalers never take the place of a commit.
- Where an unfinished Changeset began, and where a commit started, stays: without that revision it
  could neither be committed nor rolled back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import Final

from setops.api.changeset import phase_of
from setops.api.kinds import CHANGESET, Object
from setops.reconcile import ledger, records
from setops.reconcile.context import Context
from setops.reconcile.revisions import KEPT, content_of, edit_of, first_of_earlier_version, of_stage

_SCALE: Final = ".resources.scale"


async def prune(context: Context, stage: Object, namespace: str) -> None:
    """Delete the revisions that aren't kept, once the ledger remembers those of Changesets.

    `namespace` is the Stage's, in which its Changesets lie.
    """
    cluster = context.cluster
    surplus = not_kept(of_stage(cluster, stage), _needed(context, namespace))
    notes = {
        made.changeset: ledger.LedgerEntry(made.content_hash, int(item["revision"]))
        for item in surplus
        if (made := content_of(item)) is not None
    }
    if notes:
        await ledger.add(cluster, stage, notes, first_of_earlier_version(cluster, stage))
    await records.delete(cluster, surplus)


def not_kept(found: Sequence[Object], needed: Collection[int]) -> list[Object]:
    """The revisions to delete. `found` are all of a Stage, without data, oldest first.

    `needed` are the numbers of those that stay whatever else holds. Pure.
    """
    repeated = {int(item["revision"]) for item in _repeated(found)}
    rest = [item for item in found if int(item["revision"]) not in repeated]
    edits = [item for item in rest if content_of(item) is None]
    commits = [item for item in rest if content_of(item) is not None]
    old = {int(item["revision"]) for item in chain(edits[:-KEPT], commits[:-KEPT])}
    going = (repeated | old).difference(needed)
    return [item for item in found if int(item["revision"]) in going]


def _repeated(found: Sequence[Object]) -> Iterator[Object]:
    """Edits of a scale alone that the same manager makes again, before the next Changeset."""
    edited_later: dict[str, set[str]] = {}
    for item in reversed(found):
        edit = edit_of(item)
        if edit is None:
            edited_later.clear()
            continue
        later = edited_later.setdefault(edit.manager, set())
        if edit.fields <= later and all(field.endswith(_SCALE) for field in edit.fields):
            yield item
        later |= edit.fields


def _needed(context: Context, namespace: str) -> set[int]:
    """The revisions at which unfinished Changesets began, and those from which commits started."""
    cluster, begun, bases = context.cluster, context.memory.begun, context.memory.bases
    numbers = {
        int(status[field])
        for changeset in cluster.list(CHANGESET, namespace)
        if not phase_of(changeset).finished
        for status in [changeset.get("status") or {}]
        for field in ("baseRevision", "previousRevision")
        if field in status
    }
    about_to_be_named = [*begun.items(), *((key, number) for key, (_, number) in bases.items())]
    for key, number in about_to_be_named:
        if cluster.get(key) is None:
            context.memory.forget(key)
        elif key.namespace == namespace:
            numbers.add(number)
    return numbers
