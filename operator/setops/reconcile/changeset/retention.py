"""Which Changesets that have ended are kept. The history of the Stage keeps what they did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from setops.api.changeset import phase_of
from setops.api.kinds import CHANGESET, Object, key_of
from setops.changes.git_ownership import tracker_of
from setops.reconcile.context import Context
from setops.reconcile.stage_around import is_deleting

_HELM: Final = "meta.helm.sh/release-name"
_HELD: Final = 10
"""How many times as many are kept of those that somebody holds."""


async def prune(context: Context, namespace: str) -> None:
    """Delete the Changesets of a Stage that nobody keeps any more."""
    options = context.options
    oldest = context.now() - timedelta(days=options.changeset_days)
    found = context.cluster.list(CHANGESET, namespace)
    for changeset in not_kept(found, options.changesets_kept, oldest):
        uid = changeset["metadata"]["uid"]
        await context.cluster.delete(key_of(changeset), uid=uid)


def not_kept(changesets: Sequence[Object], most: int, oldest: datetime) -> list[Object]:
    """Those to delete: what ended before `oldest`, and all but the `most` that ended last. Pure.

    One that a Git tool, Helm or another object holds stays longer, since it would only be made
    again. Everybody may say so of their Changesets, so there is a bound for these as well.
    """
    ended = sorted(
        (
            (_ended_at(each), each["metadata"]["name"], each)
            for each in changesets
            if phase_of(each).finished and not is_deleting(each)
        ),
        key=lambda item: item[:2],
        reverse=True,
    )
    held = [each for _, _, each in ended if _is_held(each)]
    free = [(at, each) for at, _, each in ended if not _is_held(each)]
    return [
        *(each for place, (at, each) in enumerate(free) if place >= most or at < oldest),
        *held[most * _HELD :],
    ]


def _is_held(changeset: Object) -> bool:
    metadata = changeset["metadata"]
    by_helm = _HELM in (metadata.get("annotations") or ())
    return bool(by_helm or metadata.get("ownerReferences") or tracker_of(changeset))


def _ended_at(changeset: Object) -> datetime:
    at = changeset["status"].get("finishedAt") or changeset["metadata"]["creationTimestamp"]
    try:
        return datetime.fromisoformat(at).astimezone(UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
