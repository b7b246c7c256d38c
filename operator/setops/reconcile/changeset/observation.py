"""Observes a running commit: compares the plan that it carries out with what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from setops.api.changeset import Phase, Step
from setops.changes.diff import Change, is_final
from setops.changes.plan import Planned
from setops.reconcile import revisions
from setops.reconcile.changeset.commit_deadline import CommitClock, is_overdue
from setops.reconcile.changeset.entries import is_blocked, is_done, key_of_change
from setops.reconcile.changeset.job import Job, named
from setops.reconcile.changeset.machine import Awaited, CommitView
from setops.reconcile.changeset.planning import PlanLostError, plan_again
from setops.reconcile.changeset.readiness import is_ready, is_stalled, message_of
from setops.reconcile.changeset.writes import waits_for
from setops.reconcile.context import Context


@dataclass(frozen=True, slots=True)
class Commit:
    """A running commit: the Changeset, what was observed, and its plan unless that is lost."""

    job: Job
    view: CommitView
    known_plan: Planned | None

    @property
    def planned(self) -> Planned:
        """The plan. No step but the rollback's is taken without one."""
        if self.known_plan is None:
            raise ValueError(f"the plan of Changeset {self.job.name!r} is lost")
        return self.known_plan

    @property
    def revocable(self) -> tuple[Change, ...]:
        """The changes that come before the point of no return."""
        return tuple(change for change in self.planned.changes if not is_final(change))

    @property
    def final(self) -> tuple[Change, ...]:
        """The changes that can't be undone."""
        return tuple(change for change in self.planned.changes if is_final(change))


def is_decided(context: Context, job: Job) -> bool:
    """Whether the commit's revision is recorded.

    From that moment on it has succeeded. A later cancel or edit has no effect on it.
    """
    return revisions.made_by(context.cluster, job.around.stage, job.uid) is not None


async def observe(context: Context, job: Job, *, cancelled: bool) -> Commit:
    """Look at a commit or its rollback. The view holds all that `next_step` needs."""
    step = job.status.get("step")
    view = CommitView(
        job.phase,
        Step(step) if step else None,
        cancelled=cancelled,
        recorded=is_decided(context, job),
        irrevocable=bool(job.status.get("irrevocable")),
    )
    if job.phase is Phase.ROLLING_BACK or view.cancelled or view.recorded:
        return Commit(job, view, None)
    try:
        planned = await plan_again(context, job)
    except PlanLostError as error:
        if view.irrevocable:
            raise  # data is deleted already, so nothing can be put back
        return Commit(job, replace(view, failure=str(error), lost=True), None)
    commit = Commit(job, view, planned)
    return replace(commit, view=_with_resources(context, commit))


def _with_resources(context: Context, commit: Commit) -> CommitView:
    """The view, with the state of the resources that the plan changes."""
    cluster, job = context.cluster, commit.job
    undone = [c for c in commit.planned.changes if not is_done(cluster, job.namespace, c)]
    missing = [change for change in undone if not is_final(change)]
    view = replace(
        commit.view,
        recorded=not commit.planned.changes,
        begun=len(undone) < len(commit.planned.changes),
        deletable=len(missing) < len(undone),
    )
    blocked = _blocked(context, job, missing)
    if missing and not blocked:
        return replace(view, writable=True)
    written = [change for change in commit.revocable if change not in missing]
    pending = [change for change in written if not is_ready(cluster, job.namespace, change)]
    return replace(
        view,
        failure=_failure(context, commit, blocked, pending),
        awaited=_awaited(context, job, blocked, pending),
    )


def _blocked(context: Context, job: Job, missing: Sequence[Change]) -> Sequence[Change]:
    """The changes that are next, if an earlier resource has to go before any can be written.

    Changes are written section by section, so those of later sections wait as well.
    """
    section = [change for change in missing if change.section is missing[0].section]
    blocked = all(is_blocked(context.cluster, job.namespace, change) for change in section)
    return section if blocked else ()


def _failure(
    context: Context, commit: Commit, blocked: Sequence[Change], pending: Sequence[Change]
) -> str:
    """Why the commit can't succeed, by the first change that can't; empty if all still may.

    A change fails if its resource needs a user to act, or if its time is over: before an earlier
    resource of that name was gone (`blocked`), or before it was ready (`pending`).
    """
    cluster, job = context.cluster, commit.job
    clock = CommitClock(
        job.status["startedAt"], context.now(), job.spec.timeout, commit.planned.changes
    )
    for change in blocked:
        if is_overdue(cluster, job.namespace, clock, change):
            reason = waits_for(key_of_change(job.namespace, change))
            return f"{named(change)} could not be written in time: {reason}"
    for change in pending:
        message = message_of(cluster, job.namespace, change)
        if is_stalled(cluster, job.namespace, change):
            return f"{named(change)}: {message}"
        if is_overdue(cluster, job.namespace, clock, change):
            return f"{named(change)} did not become ready in time: {message}"
    return ""


def _awaited(
    context: Context, job: Job, blocked: Sequence[Change], pending: Sequence[Change]
) -> Awaited | None:
    if blocked:
        return Awaited(waits_for(key_of_change(job.namespace, blocked[0])))
    if not pending:
        return None
    message = message_of(context.cluster, job.namespace, pending[0])
    return Awaited(f"{named(pending[0])}: {message}", pending[0])
