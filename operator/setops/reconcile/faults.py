"""Faults: errors that no reconciler expects, and what an object says while they last.

An attempt that fails is tried again by the queue. Meanwhile the object would keep the status that
it had before the error, `Ready` for example. So an error that comes back is told in the conditions.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from setops.api.kinds import Object, key_of
from setops.kube.errors import ApiError, Conflict, NotFound
from setops.reconcile.memory import Failure, Memory

_UNEXPECTED: Final = 2
_PASSING: Final = 5
"""The API server was busy or away so many times in a row, which takes some 8 s."""
_OVERTAKEN: Final = 8
"""What was read was out of date so many times in a row, which takes some 6 s."""

_OURS: Final = "setops"


class CutOffError(Exception):
    """Something that the reconciler waited for was cancelled, though nobody cancelled it."""


def is_cancelled() -> bool:
    """Whether the running task is being cancelled itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@contextmanager
def named() -> Iterator[None]:
    """Raise CutOffError if something was cancelled on the way, but not the running task."""
    try:
        yield
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        raise CutOffError("what the reconciler waited for was cancelled") from error


def count(memory: Memory, obj: Object, error: Exception) -> int:
    """Count one more attempt that failed.

    Returns how often it failed in this way since it last succeeded.
    """
    failure = memory.faults.setdefault(key_of(obj), Failure(_conditions(obj)))
    failure.times[type(error)] += 1
    return failure.times[type(error)]


def untold(memory: Memory, obj: Object) -> Object:
    """An object that fails, with the conditions that it had before that was told in them.

    A reconciler may go another way because an object isn't ready. That way may succeed, and what
    fails on the other one would be told and taken back for ever.
    """
    failure = memory.faults.get(key_of(obj))
    if failure is None or failure.conditions == _conditions(obj):
        return obj
    return {**obj, "status": {**obj["status"], "conditions": failure.conditions}}


def _conditions(obj: Object) -> list[Any]:
    found: list[Any] = (obj.get("status") or {}).get("conditions") or []
    return found


def is_told(error: Exception, times: int) -> bool:
    """Whether an error that came so many times is to be told in the conditions."""
    match error:
        case Conflict() | NotFound():  # what isn't found was most often deleted a moment ago
            return times >= _OVERTAKEN
        case ApiError():
            return not error.transient or times >= _PASSING
        case _:
            return times >= _UNEXPECTED


def described(error: Exception) -> str:
    """What the conditions say of an error."""
    return f"the operator can't go on and tries again: {cause(error)}"


def cause(error: Exception) -> str:
    """An error in words that anybody may read.

    Only the API server's own words are shown. The text of any other error may quote what it failed
    at, and that may come from a Secret.
    """
    if isinstance(error, ApiError):
        return str(error)
    return (
        f"an unexpected {type(error).__name__}{_place_of(error)}; the operator's log says more: "
        "please report it"
    )


def _place_of(error: BaseException) -> str:
    """Where in our code an error came from; empty if that isn't known."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        module = str(frame.f_globals.get("__name__", ""))
        if module.split(".")[0] == _OURS:
            return f" in {module}.{frame.f_code.co_name}"
    return ""
