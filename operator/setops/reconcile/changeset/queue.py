"""Which Changeset comes first on a Stage, and how many of them may wait or be open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from setops.api.changeset import Phase, phase_of
from setops.api.kinds import CHANGESET, Object
from setops.api.names import ANNOTATION_PAUSED
from setops.changes.weight import MOST
from setops.kube.cache import version_of
from setops.kube.cluster import Cluster
from setops.kube.trim import spec_size
from setops.reconcile import lock
from setops.reconcile.places import is_deleting

MOST_OF_A_USER: Final = 20
"""Changesets of one user on a Stage that may be open or wait at the same time."""
MOST_OF_A_STAGE: Final = 100
"""The same for all users of a Stage together."""

MAX_SPEC: Final = MOST
"""Bytes of a Changeset's spec that leave room for a status."""


def ahead(cluster: Cluster, stage: Object, changeset: Object) -> Object | None:
    """The Changeset that this one has to wait for: the lock's holder, or the first of the queue.

    None if it is this one's turn. Commits come in the order in which the API server took them.
    """
    metadata = changeset["metadata"]
    held = lock.holder(cluster, stage, metadata["namespace"])
    if held is not None:
        return None if held["metadata"]["uid"] == metadata["uid"] else held
    waiting = [
        other
        for other in cluster.list(CHANGESET, metadata["namespace"])
        if _waits(cluster, other) and _will_go_on(other)
    ]
    first = min([*waiting, changeset], key=turn_of)
    return None if first["metadata"]["uid"] == metadata["uid"] else first


def turn_of(changeset: Object) -> int:
    """The place in the queue: the resourceVersion at which the commit was asked for.

    A Changeset that hasn't been reconciled since has no `turn` yet; its current resourceVersion
    counts.
    """
    known = (changeset.get("status") or {}).get("turn")
    return int(known) if known is not None else version_of(changeset)


def older_draft(cluster: Cluster, changeset: Object) -> Object | None:
    """The older open Changeset of the same user on this Stage, if there is one.

    A user has one open Changeset per Stage. One that was created with `commit` never was open.
    """
    user = changeset["spec"].get("user")
    if user is None or not _was_open(changeset):
        return None
    older = [
        other
        for other in cluster.list(CHANGESET, changeset["metadata"]["namespace"])
        if other["spec"].get("user") == user
        and phase_of(other) is Phase.OPEN
        and _was_open(other)
        and not is_deleting(other)
        and _age(other) < _age(changeset)
    ]
    return min(older, key=_age, default=None)


def too_many(cluster: Cluster, changeset: Object) -> str:
    """Why there may be no further Changeset that hasn't ended; empty if there may.

    One that was taken up before stays, whatever has come or become of the bounds since.
    """
    if "phase" in (changeset.get("status") or {}):
        return ""
    user = changeset["spec"].get("user")
    unfinished = of_user = 0
    for other in cluster.list(CHANGESET, changeset["metadata"]["namespace"]):
        known = "phase" in (other.get("status") or {})
        if phase_of(other).finished or not (known or _age(other) < _age(changeset)):
            continue
        unfinished += 1
        of_user += user is not None and other["spec"].get("user") == user
        if of_user >= MOST_OF_A_USER:
            return (
                f"{user} has {MOST_OF_A_USER} Changesets on this Stage that are open or wait for "
                "their turn, the most that one user may have"
            )
        if unfinished >= MOST_OF_A_STAGE:
            return (
                f"this Stage has {MOST_OF_A_STAGE} Changesets that are open or wait for their "
                "turn, the most that it may have"
            )
    return ""


def is_draft(changeset: Object) -> bool:
    """Whether it is open, and nothing is to be done with it but to show its plan."""
    spec = changeset["spec"]
    asked = spec.get("commit") or spec.get("discard") or spec.get("dryRun")
    return phase_of(changeset) is Phase.OPEN and not asked


def of_interest(cluster: Cluster, namespace: str) -> list[Object]:
    """The unfinished Changesets that look at the Stage: those that wait, and each user's draft.

    A draft behind an older one of its user isn't planned.
    """
    found: list[Object] = []
    drafts: dict[str, Object] = {}
    for changeset in cluster.list(CHANGESET, namespace):
        if phase_of(changeset).finished:
            continue
        user = changeset["spec"].get("user")
        if not is_draft(changeset) or user is None or is_deleting(changeset):
            found.append(changeset)
        elif user not in drafts or _age(changeset) < _age(drafts[user]):
            drafts[user] = changeset
    return [*found, *drafts.values()]


def waiting_behind(cluster: Cluster, changeset: Object) -> Iterator[Object]:
    """The unfinished Changesets that may wait for this one, as it is or was.

    These are commits, and the Changesets of its user if it is the first of them. A draft keeps
    nobody else waiting.
    """
    user, uid, age = changeset["spec"].get("user"), changeset["metadata"]["uid"], _age(changeset)
    draft, is_first, of_user = is_draft(changeset), True, []
    for other in cluster.list(CHANGESET, changeset["metadata"]["namespace"]):
        if other["metadata"]["uid"] == uid or phase_of(other).finished:
            continue
        if other["spec"].get("user") == user:
            of_user.append(other)
            is_first = is_first and age < _age(other)
        elif not (draft or is_draft(other)):
            yield other
    for other in of_user:
        if is_first or not (draft or is_draft(other)):
            yield other


def are_twins(one: Object, other: Object) -> bool:
    """Whether they were made in the same second by the same user, so that names tell their age."""
    return _age(one)[0] == _age(other)[0] and one["spec"].get("user") == other["spec"].get("user")


def _was_open(changeset: Object) -> bool:
    spec = changeset["spec"]
    seen = "phase" in (changeset.get("status") or {})
    return seen or not (spec.get("commit") or spec.get("discard") or spec.get("dryRun"))


def _age(changeset: Object) -> tuple[str, str]:
    metadata = changeset["metadata"]
    return metadata.get("creationTimestamp", ""), metadata["name"]


def _waits(cluster: Cluster, changeset: Object) -> bool:
    phase = phase_of(changeset)
    if phase is Phase.OPEN:
        spec = changeset["spec"]
        asked = spec.get("commit") and not spec.get("dryRun")
        return bool(asked) and older_draft(cluster, changeset) is None
    return phase is Phase.QUEUED


def _will_go_on(changeset: Object) -> bool:
    """False if paused, deleted or discarded, or so large that its end couldn't be told."""
    paused = ANNOTATION_PAUSED in (changeset["metadata"].get("annotations") or ())
    stopped = paused or is_deleting(changeset) or changeset["spec"].get("discard")
    return not stopped and not is_overfull(changeset)


def is_overfull(changeset: Object) -> bool:
    """Whether the object has no room for a plan, so that its commit can't begin."""
    return spec_size(changeset) > MAX_SPEC
