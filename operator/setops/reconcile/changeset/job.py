"""A Changeset with its Stage, and what all steps share: errors, names, counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from setops.api.changeset import ChangesetSpec, Phase, phase_of
from setops.api.errors import Problem
from setops.api.kinds import Object
from setops.changes.diff import Change
from setops.reconcile.stage_around import StageAround

POLL: Final = 2.0
"""Seconds between two looks while a commit waits. Events make it look earlier."""


class FailedError(Exception):
    """The commit can't succeed, so it is rolled back."""

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Job:
    """A Changeset as last read, its spec, and the Stage that it changes."""

    changeset: Object
    spec: ChangesetSpec
    around: StageAround

    @property
    def namespace(self) -> str:
        """The Stage's namespace, in which the Changeset lies."""
        return self.around.names.namespace

    @property
    def status(self) -> Object:
        """The Changeset's status; empty before the first look."""
        status: Object = self.changeset.get("status") or {}
        return status

    @property
    def generation(self) -> int:
        """The generation of the Changeset's spec."""
        return int(self.changeset["metadata"].get("generation", 1))

    @property
    def phase(self) -> Phase:
        """The phase in the status."""
        return phase_of(self.changeset)

    @property
    def name(self) -> str:
        """The Changeset's name."""
        return str(self.changeset["metadata"]["name"])

    @property
    def uid(self) -> str:
        """The Changeset's uid."""
        return str(self.changeset["metadata"]["uid"])

    def now_as(self, changeset: Object) -> Job:
        """The same job after a write to the Changeset."""
        return Job(changeset, self.spec, self.around)

    def begun_at(self, revision: int) -> Job:
        """The same job, as if its status had this base revision already."""
        status = {**self.status, "baseRevision": revision}
        return self.now_as({**self.changeset, "status": status})


def named(change: Change) -> str:
    """How messages call a changed resource: `App 'web'`."""
    return f"{change.section.kind} {change.name!r}"


def of_user(changeset: Object) -> str:
    """How messages call a Changeset: `'add-worker' of dev@example.com`."""
    user = changeset["spec"].get("user")
    return f"{changeset['metadata']['name']!r}" + (f" of {user}" if user else "")


def summary(problems: Sequence[Problem]) -> str:
    """The number of errors and the first of them."""
    count = len(problems)
    return (
        f"{count} error{'s' if count != 1 else ''}: {'; '.join(str(p) for p in problems[:3])}"
        + ("; …" if count > 3 else "")
    )
