"""Follows a commit until it has ended."""

from __future__ import annotations

import time
from typing import Final

from setops.api.changeset import Phase, phase_of
from setops.api.errors import Code, Problem, ProblemsError, Validator
from setops.api.kinds import CHANGESET, Object
from setops.cli.base.problems import failure
from setops.cli.base.session import Session
from setops.cli.base.terminal import Spinner, echo, green
from setops.cli.changeset import report
from setops.kube.errors import TooManyRequests, Unavailable

_POLL: Final = 0.15


_SILENCE: Final = 20.0
"""Seconds without any change after which a silent operator is reported."""


_OUTAGE: Final = 120.0
"""Seconds for which the cluster may be unreachable while a commit is followed."""


_PAUSE: Final = 1.0


_GIVE_UP: Final = 3600.0 * 6
"""Seconds after which a commit counts as endless, in addition to the timeout of its own."""


def follow(session: Session, changeset: Object) -> int:
    """Show the progress of a commit until it has ended. Returns the exit code."""
    try:
        ended = until_ended(session, changeset)
    except KeyboardInterrupt:
        echo(
            "\nThe commit goes on without you. See how far it is: setops changeset:info; "
            "cancel it: setops changeset:discard"
        )
        return 1
    match phase_of(ended):
        case Phase.COMMITTED:
            echo(green("Commit successful!"))
            return 0
        case Phase.DISCARDED:
            echo(report.message_of(ended))
            return 1
    echo("To correct it and try again: setops changeset:retry")
    raise _failed(ended)


def until_ended(session: Session, changeset: Object) -> Object:
    """Wait until a Changeset has ended, and show its progress. Returns its last state."""
    metadata = changeset["metadata"]
    spinner, news = Spinner(), time.monotonic()
    heard = news
    version, warned = metadata["resourceVersion"], False
    deadline = time.monotonic() + _GIVE_UP + changeset["spec"].get("timeout", 0)
    try:
        while not phase_of(changeset).finished:
            if time.monotonic() > deadline:
                raise failure(Code.SERVER_FAILURE, "the commit doesn't end; to see why: setops why")
            spinner.say(_progress(changeset))
            time.sleep(_POLL)
            try:
                fresh = session.cluster.find(CHANGESET, metadata["namespace"], metadata["name"])
            except (TooManyRequests, Unavailable):
                # The commit goes on without this program, and the cluster may be back in a moment.
                if time.monotonic() - heard > _OUTAGE:
                    raise
                time.sleep(_PAUSE)
                continue
            heard = time.monotonic()
            if fresh is None:
                raise failure(
                    Code.CHANGESET_DOES_NOT_EXIST, "the Changeset was deleted by somebody else"
                )
            changeset = fresh
            if fresh["metadata"]["resourceVersion"] != version:
                version, news = fresh["metadata"]["resourceVersion"], time.monotonic()
            elif time.monotonic() - news > _SILENCE and not warned and _is_unheard(fresh):
                spinner.end()
                warned = True
                echo("The operator doesn't answer; is it running? The commit begins when it does.")
    finally:
        spinner.end()
    return changeset


def _is_unheard(changeset: Object) -> bool:
    """Whether the operator hasn't seen the latest spec yet."""
    observed = (changeset.get("status") or {}).get("observedGeneration")
    return bool(observed != changeset["metadata"].get("generation", 1))


def _progress(changeset: Object) -> str:
    status = changeset.get("status") or {}
    match phase_of(changeset):
        case Phase.OPEN:
            return "Initializing…"
        case Phase.QUEUED:
            return f"Initializing… {report.message_of(changeset)}"
        case Phase.ROLLING_BACK:
            return "Rolling back…"
        case _:
            progress = status.get("progress")
            if not progress:
                return "Planning…"
            return f"Applying… ({progress['done']}/{progress['total']})"


def _failed(changeset: Object) -> ProblemsError:
    """All errors of a failed commit. The last one says what was rolled back."""
    whole = Problem("", Validator.INVALID, report.message_of(changeset), Code.COMMIT_FAILED)
    # The last error already includes what went wrong during the commit.
    others = [
        problem
        for problem in report.problems_of(changeset)
        if problem.code is not Code.COMMIT_FAILED or problem.message not in whole.message
    ]
    return ProblemsError([*others, whole])
