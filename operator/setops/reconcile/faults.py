"""Faults: errors that no reconciler expects, and what an object says while they last.

An attempt that fails is tried again by the queue. Meanwhile the object would keep the status that
it had before the error, `Ready` for example. So an error that comes back is told in the conditions.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from setops.api.kinds import Key
from setops.kube.errors import ApiError, Conflict, NotFound
from setops.reconcile.memory import Memory

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


def count(memory: Memory, key: Key) -> int:
    """Count one more attempt that failed; how many that makes in a row."""
    memory.faults[key] = memory.faults.get(key, 0) + 1
    return memory.faults[key]


def is_told(error: Exception, times: int) -> bool:
    """Whether an error that came so many times in a row is to be told in the conditions."""
    match error:
        case Conflict() | NotFound():  # what isn't found was most often deleted a moment ago
            return times >= _OVERTAKEN
        case ApiError():
            return not error.transient or times >= _PASSING
        case _:
            return times >= _UNEXPECTED


def described(error: Exception) -> str:
    """What to say of an error.

    Only the API server's own words are shown. The text of any other error may quote what it failed
    at, and that may come from a Secret.
    """
    if isinstance(error, ApiError):
        return f"the operator can't go on and tries again: {error}"
    return (
        f"the operator can't go on and tries again, after an unexpected {type(error).__name__}"
        f"{_place_of(error)}; the operator's log says more: please report it"
    )


def _place_of(error: BaseException) -> str:
    """Where in our code an error came from; empty if that isn't known."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        module = str(frame.f_globals.get("__name__", ""))
        if module.split(".")[0] == _OURS:
            return f" in {module}.{frame.f_code.co_name}"
    return ""
