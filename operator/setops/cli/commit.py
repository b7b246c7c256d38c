"""`changeset:commit` and `changeset:discard`: carrying a Changeset out, watching it, ending it."""

from __future__ import annotations

import time
from typing import Any, Final

from setops.api.changeset import Phase, phase_of
from setops.api.errors import Code, Problem, ProblemsError, Validator
from setops.api.kinds import CHANGESET, STAGE, Object
from setops.cli import changesets, inspect
from setops.cli.call import Call
from setops.cli.inspect import Shown
from setops.cli.problems import failure
from setops.cli.session import Session
from setops.cli.terminal import Spinner, can_ask, confirmed, echo, green
from setops.kube.errors import TooManyRequests, Unavailable

_POLL: Final = 0.15
_SILENCE: Final = 20.0
"""Seconds without any news after which the operator's silence is told."""
_OUTAGE: Final = 120.0
"""Seconds that the cluster may be away while a commit is followed."""
_PAUSE: Final = 1.0
_GIVE_UP: Final = 3600.0 * 6


def commit(call: Call) -> int:
    """`changeset:commit`."""
    session = call.session
    found = changesets.mine(session)
    if found.open is None and found.running is not None:
        raise failure(
            Code.COMMIT_ALREADY_RUNNING,
            f"your Changeset {found.running['metadata']['name']!r} is being committed already; "
            "see how far it is: setops changeset:info",
        )
    changeset = found.open or changesets.nothing_staged(session)
    shown = present(call, changeset)
    if not is_agreed(call, unasked=True):
        echo("Nothing was committed; the Changeset stays as it is.")
        return 1
    return carry_out(call, shown)


def present(call: Call, changeset: Object) -> Shown:
    """Show the plan. Raises ProblemsError with all errors, if there are any."""
    session = call.session
    shown = inspect.shown(session, changeset)
    inspect.tell_plan(shown)
    echo("")
    if shown.problems:
        whole = Problem(
            "",
            Validator.INVALID,
            "the Changeset has errors, so it isn't committed; drop the commands that are to blame "
            "(setops changeset:undo), or all of it (setops changeset:discard)",
            Code.CHANGESET_INVALID,
        )
        raise ProblemsError([*shown.problems, whole])
    if call.given("no-wait"):
        _refuse_while_locked(session)
    return shown


def is_agreed(call: Call, *, unasked: bool) -> bool:
    """Whether the user wants it; `unasked` is what counts without a terminal to ask on."""
    if call.given("auto-approve"):
        return True
    return confirmed("Commit this?") if can_ask() else unasked


def carry_out(call: Call, shown: Shown) -> int:
    """Commit, and wait for the end."""
    session = call.session
    spec: dict[str, Any] = {"commit": True}
    if call.text("message"):
        spec["message"] = call.text("message")
    if call.flags.get("timeout") is not None:
        spec["timeout"] = call.flags["timeout"]
    try:
        asked = changesets.set_flag(session, shown.changeset, spec)
    except KeyboardInterrupt:
        echo("\nThe commit may have begun; see: setops changeset:info")
        return 1
    if call.given("detach"):
        echo("The commit has begun; see how far it is: setops changeset:info")
        return 0
    return follow(session, asked)


def follow(session: Session, changeset: Object) -> int:
    """Tell how far a commit is until it has ended; the exit code."""
    try:
        ended = _until_ended(session, changeset)
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
            echo(inspect.message_of(ended))
            return 1
    echo("To correct it and try again: setops changeset:retry")
    raise _failed(ended)


def discard(call: Call) -> int:
    """`changeset:discard`: throw the open Changeset away, or cancel the commit that runs."""
    session = call.session
    found = changesets.mine(session)
    changeset = found.open or found.running or changesets.nothing_staged(session)
    changed = throw_away(session, changeset)
    if found.open is not None:
        echo(f"Discarded {changesets.content_text(changeset)}; nothing was changed.")
        return 0
    ended = _until_ended(session, changed)
    phase = phase_of(ended)
    if phase is Phase.COMMITTED:
        raise failure(
            Code.CHANGESET_LOCKED,
            "too late: the commit was past the point of no return, and is done",
        )
    echo(f"Cancelled: {inspect.message_of(ended)}")
    return 0


def throw_away(session: Session, changeset: Object) -> Object:
    """Ask for a Changeset's end."""
    metadata = changeset["metadata"]
    # Without a resourceVersion: to throw away is meant whatever else has changed.
    return session.cluster.patch(
        CHANGESET, metadata["namespace"], metadata["name"], {"spec": {"discard": True}}
    )


def _refuse_while_locked(session: Session) -> None:
    here = session.place()
    stage = session.cluster.get(STAGE, here.home, here.stage)
    lock = (stage.get("status") or {}).get("currentChangeset")
    if lock:
        raise failure(
            Code.COMMIT_ALREADY_RUNNING,
            f"Changeset {lock['changeset']!r} of {lock.get('user') or 'somebody'} is being "
            f"committed since {lock['since']}; wait for its end, or leave out --no-wait to stand "
            "in line",
        )


def _until_ended(session: Session, changeset: Object) -> Object:
    metadata = changeset["metadata"]
    spinner, news = Spinner(), time.monotonic()
    heard = news
    version, warned = metadata["resourceVersion"], False
    deadline = time.monotonic() + _GIVE_UP
    try:
        while not phase_of(changeset).finished:
            if time.monotonic() > deadline:
                raise failure(Code.SERVER_FAILURE, "the commit doesn't end; setops why tells more")
            spinner.say(_progress(changeset))
            time.sleep(_POLL)
            try:
                fresh = session.cluster.find(CHANGESET, metadata["namespace"], metadata["name"])
            except (TooManyRequests, Unavailable):
                # The commit doesn't need this program; the cluster may be back in a moment.
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
    """Whether the operator hasn't even taken note of what was asked."""
    observed = (changeset.get("status") or {}).get("observedGeneration")
    return bool(observed != changeset["metadata"].get("generation", 1))


def _progress(changeset: Object) -> str:
    status = changeset.get("status") or {}
    match phase_of(changeset):
        case Phase.OPEN:
            return "Initializing…"
        case Phase.QUEUED:
            return f"Initializing… {inspect.message_of(changeset)}"
        case Phase.ROLLING_BACK:
            return "Rolling back…"
        case _:
            progress = status.get("progress")
            if not progress:
                return "Planning…"
            return f"Applying… ({progress['done']}/{progress['total']})"


def _failed(changeset: Object) -> ProblemsError:
    """Every error of a failed commit, and last what was put back."""
    whole = Problem("", Validator.INVALID, inspect.message_of(changeset), Code.COMMIT_FAILED)
    # What went wrong while it was carried out is told together with what was put back.
    others = [
        problem
        for problem in inspect.problems_of(changeset)
        if problem.code is not Code.COMMIT_FAILED or problem.message not in whole.message
    ]
    return ProblemsError([*others, whole])
