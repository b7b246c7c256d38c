"""A Changeset at work on its Stage, and what all its steps share: errors, counts, how it ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from setops.api.changeset import ChangesetSpec, Phase
from setops.api.conditions import Reason
from setops.api.errors import Problem
from setops.api.kinds import Object
from setops.api.names import FINALIZER
from setops.changes.diff import Change
from setops.reconcile.changeset import lock
from setops.reconcile.changeset.reporting import report
from setops.reconcile.context import Context
from setops.reconcile.places import StagePlace

POLL = 2.0
"""Seconds between two looks while a commit waits, beside the events that wake it."""


class FailedError(Exception):
    """The commit can't succeed; what it did is put back."""

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Job:
    """A Changeset as last read, its spec, and the Stage that it changes."""

    changeset: Object
    spec: ChangesetSpec
    around: StagePlace

    @property
    def namespace(self) -> str:
        return self.around.place.namespace

    @property
    def status(self) -> Object:
        status: Object = self.changeset.get("status") or {}
        return status

    @property
    def name(self) -> str:
        return str(self.changeset["metadata"]["name"])

    @property
    def uid(self) -> str:
        return str(self.changeset["metadata"]["uid"])

    def now_as(self, changeset: Object) -> Job:
        """The same job after a write to the Changeset."""
        return Job(changeset, self.spec, self.around)


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


async def end(
    context: Context, job: Job, phase: Phase, reason: Reason, message: str, **fields: Any
) -> None:
    """Say how it ended, then let go of what it holds."""
    changeset = await report(context, job.changeset, phase, reason, message, **fields)
    await clean_up(context, job.now_as(changeset))


async def clean_up(context: Context, job: Job) -> None:
    """Let go of the lock and the finalizer, if they are still held."""
    context.memory.plans.pop(job.uid, None)
    stage = context.cluster.get(job.around.key) or job.around.stage
    await lock.release(context, stage, job.changeset)
    await context.cluster.remove_finalizer(job.changeset, FINALIZER)
