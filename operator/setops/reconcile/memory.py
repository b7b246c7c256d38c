"""What the operator remembers between reconciliations. If it is lost, it is found out again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from setops.api.changeset import ChangesetSpec
from setops.api.kinds import Key
from setops.aws.errors import AwsError
from setops.changes.plan import Planned
from setops.reconcile.pace import PlanPace
from setops.reconcile.specs import Specs


@dataclass(slots=True)
class Seen:
    """A Stage's resources as last seen, since when, and whether a revision holds them.

    `since` is in seconds since the epoch.
    """

    marks: Hashable
    since: float
    recorded: bool = False


@dataclass(slots=True)
class Reach:
    """What AWS said when asked for an Organization's account, for one generation of its spec.

    `error` is why the account can't be reached, if it can't. `due` is when to ask again, in seconds
    since the epoch. `asking` is the running request. `failures` is how often in a row there was no
    answer.
    """

    generation: int
    answered: bool = False
    error: AwsError | None = None
    due: float = 0.0
    asking: asyncio.Task[AwsError | None] | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What was found in the account of an Organization. `due` is when to look again.

    `told` are the users that were left over at two looks in a row: the first one may have come in
    the middle of a deletion. `refusal` is why AWS refuses to tell.
    `others` are users of somebody else, who needn't be looked at again.
    """

    due: float = 0.0
    seen: frozenset[str] = frozenset()
    told: tuple[str, ...] = ()
    refusal: str = ""
    others: frozenset[str] = frozenset()


class Gate:
    """Lets tasks wait until no other task is doing something that they would slow down."""

    def __init__(self) -> None:
        self._holders = 0
        self._open = asyncio.Event()
        self._open.set()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Keep the gate closed inside the block; several tasks may do so at once."""
        self._holders += 1
        self._open.clear()
        try:
            yield
        finally:
            self._holders -= 1
            if not self._holders:
                self._open.set()

    async def opened(self, patience: float) -> None:
        """Wait until no task keeps it closed, for at most `patience` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._open.wait()


@dataclass(frozen=True, slots=True)
class Failure:
    """How an object has failed since it was last reconciled: how often with each error.

    `conditions` are those that it had before.
    """

    conditions: list[Any]
    times: Counter[type[Exception]] = field(default_factory=Counter)


@dataclass(slots=True)
class Memory:
    """`edits`: of each Stage, by its key, what was seen of its resources. `bases`: of each open
    Changeset whose status doesn't name it yet, by its key, its uid and the revision at which it
    began. `begun`: of each commit that begins, by its key, the revision that its status is about to
    name. Both must be kept. `plans`: of each Changeset that is being committed, by its uid, the
    plan. `held_up`: of each whose step can't be taken, by its uid, since when, in seconds since the
    epoch. `reach`: of each Organization, by its uid, what AWS said. `new_apps`: closed while new
    Apps get their first objects. `specs`: what was validated last. `faults`: of each object that
    fails, by its key, how. `meant`: the uids of objects whose deletion somebody has meant.
    `contents`: of each large Changeset that is being committed, by its uid, its spec. `pace`: when
    open Changesets are planned. `shown`: of each that shows its plan, by its key, what that was
    made from. `leftovers`: of each Organization, by its uid, the IAM users that no Service has any
    more.
    """

    edits: dict[Key, Seen] = field(default_factory=dict)
    bases: dict[Key, tuple[str, int]] = field(default_factory=dict)
    begun: dict[Key, int] = field(default_factory=dict)
    plans: dict[str, Planned] = field(default_factory=dict)
    held_up: dict[str, float] = field(default_factory=dict)
    reach: dict[str, Reach] = field(default_factory=dict)
    new_apps: Gate = field(default_factory=Gate)
    specs: Specs = field(default_factory=Specs)
    faults: dict[Key, Failure] = field(default_factory=dict)
    meant: set[str] = field(default_factory=set)
    contents: dict[str, ChangesetSpec] = field(default_factory=dict)
    pace: PlanPace = field(default_factory=PlanPace)
    leftovers: dict[str, Leftovers] = field(default_factory=dict)

    def forget(self, key: Key) -> None:
        """Keep nothing of an object that is gone."""
        self.faults.pop(key, None)
        self.close(key)

    def close(self, key: Key) -> None:
        """Keep nothing of what is remembered of a Changeset while it is open or begins."""
        self.bases.pop(key, None)
        self.begun.pop(key, None)
        self.shown.pop(key, None)
        self.pace.forget(key)

    shown: dict[Key, Hashable] = field(default_factory=dict)
