"""The bounds on Changesets hold for new ones; what was taken up before stays."""

from __future__ import annotations

from typing import Any

import pytest

from setops.api.kinds import Object
from setops.reconcile.changeset.bounds import MOST_OF_A_STAGE, MOST_OF_A_USER, too_many
from tests.reconcile.samples import World, changeset, reported


def draft(name: str, user: str, *, known: bool = True, **status: Any) -> Object:
    made = changeset(name, status={**reported(), "phase": "Open", **status} if known else {})
    made["spec"] = {"user": user, "commands": ["app:create web"]}
    made["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    return made


def drafts(count: int, user: str = "ann") -> list[Object]:
    return [draft(f"m{number:03}", user) for number in range(count)]


@pytest.mark.parametrize(
    ("there", "new", "refused"),
    [
        (MOST_OF_A_USER - 1, draft("z", "ann", known=False), False),
        (MOST_OF_A_USER, draft("z", "ann", known=False), True),
        # Made in the same second, with a name that comes first.
        (MOST_OF_A_USER, draft("a", "ann", known=False), True),
        (MOST_OF_A_USER, draft("z", "ben", known=False), False),
        (MOST_OF_A_USER + 5, draft("m004", "ann"), False),
        (MOST_OF_A_USER + 5, draft("z", "ann"), False),
        (MOST_OF_A_STAGE, draft("z", "ben", known=False), True),
    ],
)
def test_only_a_new_one_is_refused(there: int, new: Object, refused: bool) -> None:
    around = [each for each in drafts(there) if each["metadata"]["name"] != new["metadata"]["name"]]
    assert bool(too_many(World(*around, new).cluster, new)) is refused
