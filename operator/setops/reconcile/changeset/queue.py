"""Which Changeset comes first on a Stage, and which ones wait for which."""

from __future__ import annotations

from collections.abc import Iterator

from setops.api.changeset import Phase, age_of, phase_of
from setops.api.kinds import CHANGESET, Object
from setops.api.names import ANNOTATION_PAUSED
from setops.kube.cache import version_of
from setops.kube.cluster import Cluster
from setops.reconcile import lock
from setops.reconcile.changeset.bounds import is_overfull
from setops.reconcile.stage_around import is_deleting


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
    if user is None or not was_open(changeset):
        return None
    older = [
        other
        for other in cluster.list(CHANGESET, changeset["metadata"]["namespace"])
        if other["spec"].get("user") == user
        and _stays_open(other)
        and not is_deleting(other)
        and age_of(other) < age_of(changeset)
    ]
    return min(older, key=age_of, default=None)


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
        elif user not in drafts or age_of(changeset) < age_of(drafts[user]):
            drafts[user] = changeset
    return [*found, *drafts.values()]


def waiting_behind(cluster: Cluster, changeset: Object) -> Iterator[Object]:
    """The Changesets that may have waited for this one, given as it was before it changed.

    Commits wait for a commit. All of its user wait for the oldest one that is open.
    """
    user, uid = changeset["spec"].get("user"), changeset["metadata"]["uid"]
    is_commit = _is_commit(changeset)
    is_first = user is not None and _stays_open(changeset)
    is_first = is_first and older_draft(cluster, changeset) is None
    for other in cluster.list(CHANGESET, changeset["metadata"]["namespace"]):
        if other["metadata"]["uid"] == uid or phase_of(other).finished:
            continue
        of_user = is_first and other["spec"].get("user") == user
        if of_user or (is_commit and _is_commit(other)):
            yield other


def are_twins(one: Object, other: Object) -> bool:
    """Whether they were made in the same second by the same user, so that names tell their age."""
    same_user = one["spec"].get("user") == other["spec"].get("user")
    return same_user and age_of(one)[0] == age_of(other)[0]


def was_open(changeset: Object) -> bool:
    """Whether it is or was open. One that was created with what ends it never was.

    One that was edited before the operator told anything has a generation above the first.
    """
    spec, generation = changeset["spec"], changeset["metadata"].get("generation", 1)
    seen = "phase" in (changeset.get("status") or {}) or generation > 1
    return seen or not (spec.get("commit") or spec.get("discard") or spec.get("dryRun"))


def _stays_open(changeset: Object) -> bool:
    """Whether it keeps its user from having another open one."""
    return phase_of(changeset) is Phase.OPEN and was_open(changeset)


def _is_commit(changeset: Object) -> bool:
    """Whether it is carried out, or is to be."""
    spec, phase = changeset["spec"], phase_of(changeset)
    return phase is not Phase.OPEN or bool(spec.get("commit") and not spec.get("dryRun"))


def _waits(cluster: Cluster, changeset: Object) -> bool:
    if phase_of(changeset) is Phase.OPEN:
        return _is_commit(changeset) and older_draft(cluster, changeset) is None
    return phase_of(changeset) is Phase.QUEUED


def _will_go_on(changeset: Object) -> bool:
    """False if paused, deleted or discarded, or so large that its end couldn't be told."""
    paused = ANNOTATION_PAUSED in (changeset["metadata"].get("annotations") or ())
    stopped = paused or is_deleting(changeset) or changeset["spec"].get("discard")
    return not stopped and not is_overfull(changeset)
