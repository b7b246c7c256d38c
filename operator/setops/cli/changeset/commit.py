"""`changeset:commit`: shows the plan, asks, commits, and waits for the end."""

from __future__ import annotations

from typing import Any

from setops.api.deadlines import MAX_TIMEOUT_SECONDS
from setops.api.errors import Code, Problem, ProblemsError, Validator
from setops.api.kinds import STAGE, Object
from setops.cli.base.call import Call
from setops.cli.base.problems import failure
from setops.cli.base.session import Session
from setops.cli.base.terminal import can_ask, confirmed, echo
from setops.cli.changeset import draft, report
from setops.cli.changeset.follow import follow
from setops.cli.changeset.report import Shown


def run(call: Call) -> int:
    """Commit the user's open Changeset."""
    check(call)
    session = call.session
    found = draft.mine(session)
    if found.open is None and found.running is not None:
        raise failure(
            Code.COMMIT_ALREADY_RUNNING,
            f"your Changeset {found.running['metadata']['name']!r} is being committed already; "
            "see how far it is: setops changeset:info",
        )
    changeset = found.open or draft.nothing_staged(session)
    shown = present(call, changeset)
    if not is_agreed(call, unasked=True):
        echo("Nothing was committed; the Changeset stays as it is.")
        return 1
    return carry_out(call, shown)


def present(call: Call, changeset: Object) -> Shown:
    """Show the plan. Raises ProblemsError with all errors if there are any."""
    session = call.session
    shown = report.of(session, changeset)
    report.tell_plan(shown)
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
    """Whether the user agrees to commit. Without a terminal to ask on, the answer is `unasked`."""
    if call.given("auto-approve"):
        return True
    return confirmed("Commit this?") if can_ask() else unasked


def check(call: Call) -> None:
    """Raise ProblemsError for flags that no commit can have, before anything is staged."""
    seconds = call.flags.get("timeout")
    if seconds is not None and not 1 <= seconds <= MAX_TIMEOUT_SECONDS:
        raise failure(
            Code.VALIDATION_FAILED,
            f"--timeout is {seconds}; it must be from 1 to {MAX_TIMEOUT_SECONDS} seconds",
            Validator.NOT_INCLUDED,
            "--timeout",
        )


def carry_out(call: Call, shown: Shown) -> int:
    """Commit, and wait until the commit has ended."""
    return wait(call, ask(call, shown))


def ask(call: Call, shown: Shown) -> Object | None:
    """Ask the operator to commit. The Changeset as it is then; None if Ctrl-C left that open."""
    spec: dict[str, Any] = {"commit": True}
    if call.text("message"):
        spec["message"] = call.text("message")
    if call.flags.get("timeout") is not None:
        spec["timeout"] = call.flags["timeout"]
    try:
        return draft.set_flag(call.session, shown.changeset, spec)
    except KeyboardInterrupt:
        echo("\nThe commit may have begun; see: setops changeset:info")
        return None


def wait(call: Call, asked: Object | None) -> int:
    """Wait until a commit has ended, unless the user doesn't want to."""
    if asked is None:
        return 1
    if call.given("detach"):
        echo("The commit has begun; see how far it is: setops changeset:info")
        return 0
    return follow(call.session, asked)


def _refuse_while_locked(session: Session) -> None:
    here = session.place()
    stage = session.cluster.get(STAGE, here.home, here.stage)
    lock = (stage.get("status") or {}).get("currentChangeset")
    if lock:
        raise failure(
            Code.COMMIT_ALREADY_RUNNING,
            f"Changeset {lock['changeset']!r} of {lock.get('user') or 'somebody'} has been "
            f"committing since {lock['since']}; wait until it ends, or leave out --no-wait to "
            "queue",
        )
