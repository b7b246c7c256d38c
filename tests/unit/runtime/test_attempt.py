"""When an attempt is repeated, and what is told of it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from setops.api.kinds import APP, Key
from setops.kube import errors
from setops.runtime.attempt import delay, observed
from setops.runtime.metrics import Metrics

KEY = Key(APP, "shop-prod", "web")


@pytest.mark.parametrize(
    ("why", "error", "failures", "seconds"),
    [
        ("a first error", ValueError(), 0, 0.5),
        ("a third one", ValueError(), 2, 2.0),
        ("the cap", ValueError(), 50, 100.0),
        ("the cache is behind for a moment", errors.Conflict("x"), 0, 0.05),
        ("but not for ever", errors.NotFound("x"), 50, 5.0),
        ("the server knows better", errors.TooManyRequests("x", retry_after=7), 0, 7.0),
        ("or not", errors.TooManyRequests("x", retry_after=1), 3, 4.0),
    ],
)
def test_delay(why: str, error: Exception, failures: int, seconds: float) -> None:
    assert delay(100.0)(error, failures) == seconds, why


@pytest.mark.parametrize(
    ("error", "outcome", "level", "traceback"),
    [
        (errors.Conflict("changed"), "conflict", None, False),
        (errors.Forbidden("no right"), "failed", logging.WARNING, False),
        (KeyError("bug"), "failed", logging.ERROR, True),
    ],
)
def test_errors_are_told_and_go_on(
    error: Exception,
    outcome: str,
    level: int | None,
    traceback: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handle(_: Key) -> float | None:
        raise error

    metrics = Metrics()
    with caplog.at_level(logging.INFO), pytest.raises(type(error)):
        asyncio.run(observed(handle, metrics)(KEY))
    assert [record.levelno for record in caplog.records] == ([level] if level else [])
    assert any(record.exc_info for record in caplog.records) is traceback
    assert counted(metrics, outcome) == 1


@pytest.mark.parametrize(("after", "outcome"), [(None, "done"), (5.0, "requeued")])
def test_success(after: float | None, outcome: str) -> None:
    async def handle(_: Key) -> float | None:
        return after

    metrics = Metrics()
    assert asyncio.run(observed(handle, metrics)(KEY)) == after
    assert counted(metrics, outcome) == 1


def counted(metrics: Metrics, outcome: str) -> float | None:
    labels = {"kind": "App", "outcome": outcome}
    return metrics.registry.get_sample_value("setops_reconciles_total", labels)
