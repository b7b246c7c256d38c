"""Creating and destroying Projects and Stages: waiting until one is ready or gone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from setops.api.conditions import ConditionType, find, is_true
from setops.api.errors import Code, enumerated
from setops.api.kinds import Kind, Object
from setops.cli.base.problems import failure
from setops.cli.base.session import Session
from setops.cli.base.terminal import Spinner, echo

_POLL: Final = 0.15
_READY: Final = 60.0
_SILENCE: Final = 15.0
"""Seconds without any status after which the operator counts as absent."""
_GONE: Final = 3600.0


def wait_ready(session: Session, kind: Kind, namespace: str, name: str) -> Object:
    """Wait until an object is ready. Raises ProblemsError with what it is waiting for."""
    spinner, started = Spinner(), time.monotonic()
    try:
        while True:
            found = session.cluster.get(kind, namespace, name)
            status = found.get("status")
            if is_true(status, ConditionType.READY, found["metadata"]["generation"]):
                return found
            stalled = find(status, ConditionType.STALLED)
            if stalled is not None and stalled["status"] == "True":
                raise failure(
                    Code.VALIDATION_FAILED,
                    f"{kind} {name!r} was created, but: {stalled['message']}",
                )
            if time.monotonic() - started > (_READY if status else _SILENCE):
                raise failure(Code.SERVER_FAILURE, _late(kind, name, found))
            spinner.say(f"Waiting for {kind} {name}…")
            time.sleep(_POLL)
    finally:
        spinner.end()


def wait_gone(session: Session, kind: Kind, namespace: str, name: str) -> None:
    """Wait until an object is gone, and show what it is waiting for."""
    spinner, deadline = Spinner(), time.monotonic() + _GONE
    try:
        while (found := session.cluster.find(kind, namespace, name)) is not None:
            if time.monotonic() > deadline:
                raise failure(Code.SERVER_FAILURE, f"{kind} {name!r} is still there")
            ready = find(found.get("status"), ConditionType.READY)
            said = f" {ready['message']}" if ready and ready["reason"] == "Deleting" else ""
            spinner.say(f"Destroying {kind} {name}…{said}")
            time.sleep(_POLL)
    finally:
        spinner.end()


def refuse_without_force(what: str, lost: Sequence[str], again: str) -> int:
    """Refuse to destroy something: say what would be lost, and how to do it."""
    raise failure(
        Code.VALIDATION_FAILED,
        f"{what} would be destroyed, and nothing brings it back"
        + (f", with: {'; '.join(lost)}" if lost else "; it is empty")
        + f". Nothing was done. To do it: setops {again} --force",
        field="--force",
    )


def destroy(session: Session, kind: Kind, place: tuple[str, str], detach: bool) -> None:
    """Delete a Project or Stage, and wait until it is gone."""
    namespace, name = place
    session.cluster.delete(kind, namespace, name)
    if detach:
        echo(f"{kind} {name} is being destroyed.")
        return
    try:
        wait_gone(session, kind, namespace, name)
    except KeyboardInterrupt:
        echo(f"\n{kind} {name} is being destroyed all the same.")
        raise
    echo(f"{kind} {name} destroyed.")


def counted(names: Sequence[str], what: str) -> str:
    """`2 Apps (web, worker)`, or an empty text."""
    if not names:
        return ""
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'} ({enumerated(names, 10)})"


def _late(kind: Kind, name: str, found: Object) -> str:
    ready = find(found.get("status"), ConditionType.READY)
    if ready is None:
        return (
            f"{kind} {name!r} was created, but the operator doesn't answer; is it running? "
            "(setops version)"
        )
    return f"{kind} {name!r} was created, but isn't ready yet: {ready['message']}"
