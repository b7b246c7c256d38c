"""The steps of a Changeset: plan, commit, roll back, end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from setops.api.catalogue import TYPES
from setops.api.changeset import DEFAULT_TIMEOUT, ChangesetSpec, Phase, Progress
from setops.api.conditions import Reason
from setops.api.definition import SECTIONS, StageDefinition
from setops.api.errors import Code, Problem, Validator
from setops.api.kinds import Object
from setops.api.names import FINALIZER
from setops.api.service import ServiceSpec
from setops.changes.diff import Change, diff, is_final
from setops.kube.errors import ApiError, Forbidden
from setops.reconcile import revisions
from setops.reconcile.changeset import entries, lock
from setops.reconcile.changeset.entries import EditedError, NotYetError
from setops.reconcile.changeset.planning import Planned, plan_live, plan_over, spec_of
from setops.reconcile.changeset.reporting import phase_of, rendered, report
from setops.reconcile.changeset.state import Situation, Step, next_step
from setops.reconcile.context import Context
from setops.reconcile.places import StagePlace, is_deleting, stage_around
from setops.reconcile.report import Interruption

POLL: Final = 2.0
"""Seconds between two looks while a commit waits, beside the events that wake it."""


class FailedError(Exception):
    """The commit can't succeed; what it did is put back."""

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class _Commit:
    """A Changeset at work on its Stage."""

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
    def label(self) -> str:
        user = f" of {self.spec.user}" if self.spec.user else ""
        return f"{self.changeset['metadata']['name']!r}{user}"


async def reconcile(context: Context, changeset: Object) -> float | None:
    """Take the step that is due; seconds after which to look again, None for only on events."""
    try:
        around = stage_around(context, changeset["metadata"]["namespace"])
    except Interruption as interruption:
        return await _without_stage(context, changeset, interruption)
    commit = _Commit(changeset, spec_of(changeset), around)
    situation = Situation(
        phase_of(changeset), commit.spec, is_deleting(changeset), is_deleting(around.stage)
    )
    match next_step(situation):
        case Step.PLAN:
            await _plan(context, commit)
        case Step.DRY_RUN:
            await _dry_run(context, commit)
        case Step.DISCARD:
            await _discard(context, commit)
        case Step.START:
            return await _start(context, commit)
        case Step.APPLY:
            return await _apply(context, commit, None)
        case Step.ROLL_BACK:
            return await _roll_back(context, commit, "cancelled")
        case Step.CLEAN_UP:
            await _clean_up(context, commit)
    return None


async def _without_stage(
    context: Context, changeset: Object, interruption: Interruption
) -> float | None:
    if is_deleting(changeset):
        await context.cluster.remove_finalizer(changeset, FINALIZER)
        return None
    if not phase_of(changeset).finished:
        await report(
            context, changeset, phase_of(changeset), interruption.reason, interruption.message
        )
    return interruption.again


async def _plan(context: Context, commit: _Commit) -> None:
    planned = plan_live(context, commit.changeset, commit.around)
    base = commit.status.get("baseRevision")
    if base is None:
        base = revisions.latest_number(context.cluster, commit.around.stage)
    reason, message = Reason.CHANGESET_OPEN, f"{planned.plan.summary}; set spec.commit to carry out"
    if planned.problems:
        reason, message = Reason.CHANGESET_INVALID, _summary(planned.problems)
    await report(
        context,
        commit.changeset,
        Phase.OPEN,
        reason,
        message,
        plan=planned.plan.to_json(),
        errors=rendered(planned.problems) or None,
        baseRevision=base,
    )
    # Its commit was taken back at the moment when it had got its turn.
    await lock.release(context, commit.around.stage, commit.changeset)


async def _dry_run(context: Context, commit: _Commit) -> None:
    planned = plan_live(context, commit.changeset, commit.around)
    if planned.problems:
        await _refuse(context, commit, planned)
        return
    await _end(
        context,
        commit,
        Phase.DISCARDED,
        Reason.CHANGESET_PLANNED,
        f"dry run: {planned.plan.summary}",
        plan=planned.plan.to_json(),
    )


async def _discard(context: Context, commit: _Commit) -> None:
    await _end(
        context,
        commit,
        Phase.DISCARDED,
        Reason.CHANGESET_DISCARDED,
        "discarded; nothing was changed",
    )


async def _refuse(context: Context, commit: _Commit, planned: Planned) -> None:
    """End a Changeset whose commands have errors; nothing was changed."""
    await _end(
        context,
        commit,
        Phase.FAILED,
        Reason.CHANGESET_INVALID,
        f"{_summary(planned.problems)}; nothing was changed",
        errors=rendered(planned.problems),
        plan=None,
    )


def _summary(problems: Sequence[Problem]) -> str:
    count = len(problems)
    return (
        f"{count} error{'s' if count != 1 else ''}: {'; '.join(str(p) for p in problems[:3])}"
        + ("; …" if count > 3 else "")
    )


async def _start(context: Context, commit: _Commit) -> float | None:
    """Take the Stage's lock and plan for good; the status then holds all that a restart needs."""
    cluster = context.cluster
    stage = commit.around.stage
    if (done := _done_before(context, commit)) is not None:
        await _end(
            context,
            commit,
            Phase.COMMITTED,
            Reason.CHANGESET_COMMITTED,
            f"the same Changeset was committed before, as revision {done}; nothing was changed",
            revision=done,
        )
        return None
    ahead = lock.ahead(cluster, stage, commit.changeset)
    if ahead is not None:
        return await _queue(context, commit, ahead)
    # Not before it is our turn: what another commit has written so far is no state to plan over.
    planned = plan_live(context, commit.changeset, commit.around)
    if planned.problems:
        await _refuse(context, commit, planned)
        return None
    await lock.take(context, stage, commit.changeset)
    # The lock is ours: nobody else commits from here on, so this is the plan that counts.
    previous = await _previous_revision(context, commit, planned)
    changeset = await cluster.add_finalizer(commit.changeset, FINALIZER)
    changeset = await report(
        context,
        changeset,
        Phase.APPLYING,
        Reason.CHANGESET_APPLYING,
        planned.plan.summary,
        plan=planned.plan.to_json(),
        errors=None,
        baseRevision=commit.status.get("baseRevision", previous),
        previousRevision=previous,
        startedAt=context.timestamp(),
    )
    return await _apply(context, _Commit(changeset, commit.spec, commit.around), planned)


async def _queue(context: Context, commit: _Commit, ahead: Object) -> float:
    """Say for whom the Changeset waits; the end of that one marks it again."""
    user = ahead["spec"].get("user")
    name = f"{ahead['metadata']['name']!r}" + (f" of {user}" if user else "")
    await report(
        context,
        commit.changeset,
        Phase.QUEUED,
        Reason.CHANGESET_QUEUED,
        f"waits for Changeset {name}, which comes first on this Stage",
    )
    return POLL


def _done_before(context: Context, commit: _Commit) -> int | None:
    """The revision that a Changeset of the same name and content made in an earlier life."""
    planned = plan_over(commit.changeset, commit.around, StageDefinition())
    return revisions.recorded(
        context.cluster,
        commit.around.stage,
        commit.changeset["metadata"]["name"],
        planned.plan.content_hash,
    )


async def _previous_revision(context: Context, commit: _Commit, planned: Planned) -> int:
    """The revision that holds the definition as it was; direct edits become one of their own."""
    cluster, stage = context.cluster, commit.around.stage
    latest = revisions.latest_number(cluster, stage)
    stored = await revisions.load(cluster, stage, latest)
    if stored == planned.before:
        return latest
    await revisions.store(
        cluster,
        stage,
        latest + 1,
        planned.before,
        revisions.Author(message="edited directly, not through a Changeset"),
    )
    return latest + 1


async def _apply(context: Context, commit: _Commit, planned: Planned | None) -> float | None:
    """Write what the plan says, wait until it runs, then end; on failure put everything back."""
    if planned is None:
        resumed = await _resume(context, commit)
        if isinstance(resumed, str):
            return await _fail(context, commit, FailedError(resumed))
        planned = resumed
    try:
        if not _begun(context, commit, planned):
            await _write_all(context, commit, planned.changes, dry_run=True)
        return await _carry_out(context, commit, planned)
    except FailedError as failure:
        return await _fail(context, commit, failure)
    except NotYetError as waiting:
        return await _wait(context, commit, planned, str(waiting))


def _begun(context: Context, commit: _Commit, planned: Planned) -> bool:
    """Whether anything was written already; until then it is rehearsed whole."""
    return any(
        entries.is_done(context.cluster, commit.namespace, change) for change in planned.changes
    )


async def _resume(context: Context, commit: _Commit) -> Planned | str:
    """The plan that is being carried out, made again; a sentence when that can't be."""
    status = commit.status
    before = await revisions.load(context.cluster, commit.around.stage, status["previousRevision"])
    if before is None:
        return f"revision {status['previousRevision']}, from which it started, is gone"
    planned = plan_over(commit.changeset, commit.around, before)
    if planned.problems or planned.target_hash != status["plan"]["targetHash"]:
        return "its plan can't be made again, since the Organization has changed meanwhile"
    return planned


async def _carry_out(context: Context, commit: _Commit, planned: Planned) -> float | None:
    cluster, namespace = context.cluster, commit.namespace
    last = [change for change in planned.changes if is_final(change)]
    first = [change for change in planned.changes if not is_final(change)]
    await _write_all(context, commit, first, dry_run=False)
    pending = [c for c in first if not entries.is_ready(cluster, namespace, c)]
    for change in pending:
        is_stalled, said = entries.verdict(cluster, namespace, change)
        if is_stalled:
            raise FailedError(f"{_named(change)}: {said}")
        if _overdue(context, commit, change):
            raise FailedError(f"{_named(change)} did not become ready in time: {said}")
    if pending:
        _, said = entries.verdict(cluster, namespace, pending[0])
        return await _wait(context, commit, planned, f"{_named(pending[0])}: {said}")
    await _write_all(context, commit, last, dry_run=False)
    await _finish(context, commit, planned)
    return None


def _named(change: Change) -> str:
    return f"{SECTIONS[change.section]} {change.name!r}"


async def _write_all(
    context: Context, commit: _Commit, changes: Sequence[Change], *, dry_run: bool
) -> None:
    """Section by section in the plan's order; within a section at once.

    Raises FailedError with every refusal, and NotYetError.
    """
    for section in dict.fromkeys(change.section for change in changes):
        batch = [change for change in changes if change.section == section]
        results = await asyncio.gather(
            *(
                entries.write(context.cluster, commit.namespace, change, dry_run=dry_run)
                for change in batch
            ),
            return_exceptions=True,
        )
        _raise_refusals(list(zip(batch, results, strict=True)))


def _raise_refusals(results: Sequence[tuple[Change, BaseException | None]]) -> None:
    # First what may have taken effect all the same, or comes by itself: a rollback that didn't
    # know of it would leave it behind. A refusal comes again.
    for _, error in results:
        if error is not None and not _is_refusal(error):
            raise error
    refusals = [
        Problem(
            f"{change.section}.{change.name}",
            Validator.INVALID,
            f"{_named(change)}: {error.message if isinstance(error, ApiError) else error}",
            Code.CHANGESET_INVALID,
        )
        for change, error in results
        if error is not None
    ]
    if refusals:
        raise FailedError(_summary(refusals), refusals)


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, EditedError) or (isinstance(error, ApiError) and not error.transient)


def _overdue(context: Context, commit: _Commit, change: Change) -> bool:
    started = datetime.fromisoformat(commit.status["startedAt"])
    limit = commit.spec.timeout
    if limit is None and isinstance(change.after, ServiceSpec):
        limit = TYPES[change.after.type].deadlines.create
    elapsed = (context.now() - started).total_seconds()
    return elapsed > (limit or DEFAULT_TIMEOUT)


async def _wait(
    context: Context, commit: _Commit, planned: Planned, waiting_for: str
) -> float | None:
    ready = sum(
        entries.is_ready(context.cluster, commit.namespace, change) for change in planned.changes
    )
    progress = Progress(done=ready, total=len(planned.changes), waiting_for=waiting_for)
    await report(
        context,
        commit.changeset,
        Phase.APPLYING,
        Reason.CHANGESET_APPLYING,
        f"{planned.plan.summary} ({ready}/{len(planned.changes)})",
        progress=progress.to_json(),
    )
    return POLL


async def _finish(context: Context, commit: _Commit, planned: Planned) -> None:
    """Record the revision, say Committed, let go of the lock, each once also after a kill."""
    cluster, stage = context.cluster, commit.around.stage
    metadata = commit.changeset["metadata"]
    number = revisions.made_by(cluster, stage, metadata["uid"])
    if number is None:
        number = int(commit.status["previousRevision"])
        if planned.changes:
            number = max(number, revisions.latest_number(cluster, stage)) + 1
            author = revisions.Author(
                changeset=metadata["name"],
                changeset_uid=metadata["uid"],
                content_hash=planned.plan.content_hash,
                user=commit.spec.user or "",
                message=commit.spec.message or "",
            )
            await revisions.store(cluster, stage, number, planned.after, author)
    total = len(planned.changes)
    await _end(
        context,
        commit,
        Phase.COMMITTED,
        Reason.CHANGESET_COMMITTED,
        f"committed as revision {number}: {planned.plan.summary}",
        progress=Progress(done=total, total=total).to_json(),
        revision=number,
    )


async def _fail(context: Context, commit: _Commit, failure: FailedError) -> float | None:
    """From here on the commit is undone; the reason is kept for the end."""
    problems = failure.problems or (
        Problem("", Validator.INVALID, failure.message, Code.CHANGESET_INVALID),
    )
    changeset = await report(
        context,
        commit.changeset,
        Phase.ROLLING_BACK,
        Reason.CHANGESET_ROLLING_BACK,
        f"{failure.message}; the previous definition is being put back",
        errors=rendered(problems),
    )
    return await _roll_back(
        context, _Commit(changeset, commit.spec, commit.around), failure.message
    )


async def _roll_back(context: Context, commit: _Commit, cause: str) -> float | None:
    """Put back what the commit changed; what others changed meanwhile is left alone."""
    resumed = await _resume(context, commit)
    status = commit.status
    cause = status["errors"][0]["message"] if status.get("errors") else cause
    ending = "nothing was changed" if isinstance(resumed, str) else "all was put back"
    if not isinstance(resumed, str) and not is_deleting(commit.around.stage):
        try:
            await _undo(context, commit, resumed)
        except NotYetError:
            return POLL
    await _end(
        context,
        commit,
        Phase.FAILED,
        Reason.CHANGESET_FAILED,
        f"{cause}; {ending}",
        progress=None,
    )
    return None


async def _undo(context: Context, commit: _Commit, planned: Planned) -> None:
    for change in diff(planned.after, planned.before):
        try:
            await entries.take_back(context.cluster, commit.namespace, change)
        except EditedError:
            continue
        except Forbidden as error:
            if not error.namespace_terminating:
                raise


async def _end(
    context: Context, commit: _Commit, phase: Phase, reason: Reason, message: str, **fields: Any
) -> None:
    """Say how it ended, then let go of what it holds."""
    changeset = await report(context, commit.changeset, phase, reason, message, **fields)
    await _clean_up(context, _Commit(changeset, commit.spec, commit.around))


async def _clean_up(context: Context, commit: _Commit) -> None:
    """Let go of the lock and the finalizer, if they are still held."""
    stage = context.cluster.get(commit.around.key) or commit.around.stage
    await lock.release(context, stage, commit.changeset)
    await context.cluster.remove_finalizer(commit.changeset, FINALIZER)
