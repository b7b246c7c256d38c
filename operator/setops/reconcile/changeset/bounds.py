"""How many Changesets of a Stage may be unfinished, and how large one may be."""

from __future__ import annotations

from collections import Counter
from typing import Final

from setops.api.changeset import age_of, phase_of
from setops.api.kinds import CHANGESET, Object
from setops.changes.weight import MOST
from setops.kube.cluster import Cluster
from setops.kube.trim import spec_size

MOST_OF_A_USER: Final = 20
"""Changesets of one user on a Stage that may be open or wait at the same time."""
MOST_OF_A_STAGE: Final = 100
"""The same for all users of a Stage together."""

MAX_SPEC: Final = MOST
"""Bytes of a Changeset's spec that leave room for a status."""


def too_many(cluster: Cluster, changeset: Object) -> str:
    """Why there may be no further Changeset that hasn't ended; empty if there may.

    One that was taken up before stays, whatever has come or become of the bounds since.
    """
    if _is_taken_up(changeset):
        return ""
    found = cluster.list(CHANGESET, changeset["metadata"]["namespace"])
    unfinished = [other for other in found if not phase_of(other).finished]
    of_user = Counter(_user(other) for other in unfinished if _is_taken_up(other))
    for other in unfinished:
        # What is above the bound of its own user takes nothing from others.
        if not _is_taken_up(other) and age_of(other) < age_of(changeset):
            user = _user(other)
            of_user[user] += user is None or of_user[user] < MOST_OF_A_USER
    user = _user(changeset)
    if user is not None and of_user[user] >= MOST_OF_A_USER:
        return (
            f"{user} has {MOST_OF_A_USER} Changesets on this Stage that are open or wait for "
            "their turn, the most that one user may have"
        )
    if of_user.total() >= MOST_OF_A_STAGE:
        return (
            f"this Stage has {MOST_OF_A_STAGE} Changesets that are open or wait for their "
            "turn, the most that it may have"
        )
    return ""


def is_overfull(changeset: Object) -> bool:
    """Whether the object has no room for a plan, so that its commit can't begin."""
    return spec_size(changeset) > MAX_SPEC


def _is_taken_up(changeset: Object) -> bool:
    return "phase" in (changeset.get("status") or {})


def _user(changeset: Object) -> str | None:
    user: str | None = changeset["spec"].get("user")
    return user
