"""How long a step that can't be taken keeps the Stage's lock.

Whatever prevents a step is told on the Changeset and on the lock, naming the object. The step is
tried again, but not for ever: a commit that has come to nothing for its time is rolled back, and a
rollback that has come to nothing for its time ends without putting the rest back. What the API
server will never take ends it at once.

How long a commit waits for a resource that has been written is `commit_deadline`'s business.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from setops.api.changeset import Phase
from setops.api.conditions import Reason
from setops.api.deadlines import ROLLOUT_SECONDS
from setops.api.kinds import CHANGESET, Key
from setops.kube.errors import ApiError, BadRequest, Conflict, Invalid, TooLarge
from setops.reconcile import faults, lock
from setops.reconcile.changeset.job import Job
from setops.reconcile.changeset.planning import PlanLostError
from setops.reconcile.changeset.queue import turn_of
from setops.reconcile.changeset.reporting import report
from setops.reconcile.context import Context
from setops.reconcile.report import Requeue

_SHORTEST: Final = 0.5
_LONGEST: Final = 10.0
"""Seconds between two tries. They grow with the time that the step has failed for."""

_AT_LEAST: Final = 10.0
"""Seconds for which a restarted operator tries to put things back, however late it is."""

_log = logging.getLogger(__name__)


class HeldUpError(Exception):
    """Something prevents a step, which may still be taken later."""


_IN_WORDS: Final = HeldUpError | PlanLostError
"""Errors whose own text says it to the user."""


def progressed(context: Context, job: Job) -> None:
    """Note that a step was taken: what fails from now on has its whole time again."""
    context.memory.held_up.pop(job.uid, None)


def is_over(context: Context, job: Job, error: Exception) -> bool:
    """Whether there is no use in trying again. From the first call on, time runs."""
    now = context.now().timestamp()
    failing = now - context.memory.held_up.setdefault(job.uid, now)
    if isinstance(error, BadRequest | Invalid | TooLarge):
        return True  # the same request can never succeed
    if job.phase is Phase.ROLLING_BACK:
        # A user who is in a hurry doesn't hurry the rollback.
        return failing > ROLLOUT_SECONDS or (
            failing > _AT_LEAST and _since_step(job, now) > ROLLOUT_SECONDS
        )
    return failing > (job.spec.timeout or ROLLOUT_SECONDS)


async def wait(context: Context, job: Job, error: Exception) -> Requeue:
    """Tell what the step fails of, and try it again later.

    Raises a Conflict as it is: what it read is out of date, and is newer in a moment.
    """
    if isinstance(error, Conflict):
        raise error
    if isinstance(error, ApiError | _IN_WORDS):
        _log.warning("Changeset %s can't go on and tries again: %s", job.name, error)
    else:
        _log.error("Changeset %s tries again after an unexpected error", job.name, exc_info=error)
    first = context.memory.held_up[job.uid]
    elapsed = context.now().timestamp() - first
    if elapsed > 0:  # a single failure isn't worth a word
        await _tell(context, job, cause(error))
    asked = error.retry_after if isinstance(error, ApiError) else None
    return Requeue(max(min(max(elapsed, _SHORTEST), _LONGEST), asked or 0.0))


def cause(error: Exception) -> str:
    """An error in words, with the object that it is about."""
    return str(error) if isinstance(error, _IN_WORDS) else faults.cause(error)


def as_stored(context: Context, job: Job) -> Job:
    """The job with the Changeset as last seen. A step that failed may have stored its name."""
    return job.now_as(context.cluster.get(Key(CHANGESET, job.namespace, job.name)) or job.changeset)


def _since_step(job: Job, now: float) -> float:
    """Seconds since the Changeset is at its step, also those before a restart of the operator."""
    began = job.status.get("stepSince")
    return 0.0 if began is None else now - datetime.fromisoformat(began).timestamp()


async def _tell(context: Context, job: Job, reason: str) -> None:
    """Say it in the Changeset's conditions and on the lock, which others who wait look at."""
    message = f"can't go on and tries again: {reason}"
    begun = job.phase is not Phase.OPEN
    # One that its user committed at once never was open, so it mustn't seem to be now.
    place = {} if begun else {"turn": turn_of(job.changeset)}
    phase = job.phase if begun else Phase.QUEUED
    try:
        await report(context, job, phase, Reason.SERVER_FAILURE, message, **place)
        await lock.show_wait(context, job.around.stage, job.changeset, reason)
    except ApiError as error:
        _log.warning("Changeset %s can't say so: %s", job.name, error)
