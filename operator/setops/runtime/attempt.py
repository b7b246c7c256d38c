"""Logs, times and counts each attempt to handle a key, and says when to try again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from setops.api.kinds import Key
from setops.fence import FencedError
from setops.kube.errors import ApiError, Conflict, NotFound
from setops.runtime.logging import about
from setops.runtime.metrics import Metrics, Outcome
from setops.runtime.queue import Delay

Handle = Callable[[Key], Coroutine[Any, Any, float | None]]

FIRST_DELAY: Final = 0.5
FIRST_DELAY_AFTER_CONFLICT: Final = 0.05
"""What was read is out of date; the watch will deliver the newer state in a moment."""

CAP_AFTER_CONFLICT: Final = 5.0

_log = logging.getLogger(__name__)


def observed(handle: Handle, metrics: Metrics) -> Handle:
    """The same handler with logs and metrics. Errors are passed on to the queue."""

    async def attempt(key: Key) -> float | None:
        started = time.perf_counter()
        outcome: Outcome = "failed"
        with about(key):
            try:
                after = await handle(key)
                outcome = "done" if after is None else "requeued"
            except (Conflict, NotFound) as error:
                outcome = "conflict"
                _log.debug("Tried again soon: %s", error)
                raise
            except ApiError as error:
                _log.warning("Tried again later: %s", error)
                raise
            except FencedError as error:
                _log.warning("Left to the next leader: %s", error)
                raise
            except Exception:
                _log.exception("Tried again later, after an unexpected error")
                raise
            finally:
                metrics.observe_reconcile(key.kind, outcome, time.perf_counter() - started)
        return after

    return attempt


def delay(cap: float) -> Delay:
    """The wait before the next attempt. It doubles with each failure, up to `cap` seconds.

    `cap` is the setting `retry_cap`, whose default stands in `runtime/settings`.

    It is short after a conflict, and never shorter than the API server asked for.
    """

    def after(error: BaseException, failures: int) -> float:
        exponent = min(failures, 30)
        if isinstance(error, Conflict | NotFound):
            return min(FIRST_DELAY_AFTER_CONFLICT * 2.0**exponent, CAP_AFTER_CONFLICT, cap)
        wait = min(FIRST_DELAY * 2.0**exponent, cap)
        asked = error.retry_after if isinstance(error, ApiError) else None
        return max(wait, asked or 0.0)

    return after
