"""Probes and metrics, over HTTP."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from setops.api.kinds import APP, Kind
from setops.runtime.health import Server, State
from setops.runtime.metrics import Metrics

WELL = State(leading=True, synced=True, silence=1.0, oldest_wait=0.0, longest_run=0.0)


def asked(state: State, *paths: str, metrics: Metrics | None = None) -> list[tuple[int, str]]:
    async def main() -> list[tuple[int, str]]:
        server = Server(lambda: state, metrics or Metrics())
        await server.start("127.0.0.1", 0, 0)
        port = server.addresses[0][1]
        answers = []
        async with aiohttp.ClientSession() as session:
            for path in paths:
                async with session.get(f"http://127.0.0.1:{port}{path}") as response:
                    answers.append((response.status, (await response.text()).strip()))
        await server.stop()
        return answers

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("why", "state", "healthz", "readyz"),
    [
        ("a leader", WELL, (200, "ok"), (200, "leading")),
        (
            "a replica that stands by is ready, whatever it does not hear",
            State(leading=False, synced=False, silence=9e9, oldest_wait=0, longest_run=0),
            (200, "ok"),
            (200, "standby"),
        ),
        (
            "a leader that does not know everything yet",
            State(leading=True, synced=False, silence=1, oldest_wait=0, longest_run=0),
            (200, "ok"),
            (503, "syncing"),
        ),
        (
            "a deaf leader",
            State(leading=True, synced=True, silence=300, oldest_wait=0, longest_run=0),
            (503, "no sign of any watch for 300 s"),
            (200, "leading"),
        ),
        (
            "a stuck queue",
            State(leading=True, synced=True, silence=1, oldest_wait=301, longest_run=0),
            (503, "an object has waited for 301 s to be reconciled"),
            (200, "leading"),
        ),
        (
            "a stuck worker",
            State(leading=True, synced=True, silence=1, oldest_wait=0, longest_run=1000),
            (503, "a reconciliation has been running for 1000 s"),
            (200, "leading"),
        ),
    ],
)
def test_probes(why: str, state: State, healthz: tuple[int, str], readyz: tuple[int, str]) -> None:
    assert asked(state, "/healthz", "/readyz") == [healthz, readyz], why


def test_metrics() -> None:
    metrics = Metrics()
    metrics.observe_request("apply", APP, 200, False)
    metrics.observe_request("apply", APP, 200, True)
    metrics.observe_request("get", APP, 404, False)
    metrics.observe_request("create", APP, 0, False)
    metrics.observe_reconcile(APP, "done", 0.003)
    metrics.observe_aws("s3", "CreateBucket", "ok")
    metrics.gauge("setops_queue_depth", "Depth", lambda: 7)
    counts: dict[Kind, int] = {APP: 3}
    metrics.gauges("setops_cache_objects", "Objects", lambda: counts)
    [(status, text)] = asked(WELL, "/metrics", metrics=metrics)
    assert status == 200
    lines = set(text.splitlines())
    assert lines >= {
        'setops_api_writes_total{kind="App",verb="apply"} 1.0',
        'setops_api_requests_total{kind="App",verb="apply"} 2.0',
        'setops_api_errors_total{code="404"} 1.0',
        'setops_api_errors_total{code="0"} 1.0',
        'setops_reconciles_total{kind="App",outcome="done"} 1.0',
        'setops_reconcile_seconds_bucket{kind="App",le="0.005"} 1.0',
        'setops_aws_calls_total{operation="CreateBucket",outcome="ok",product="s3"} 1.0',
        "setops_queue_depth 7.0",
        'setops_cache_objects{group="setops.co",kind="App"} 3.0',
    }
    assert "process_resident_memory_bytes" in text


def test_metrics_may_have_a_port_of_their_own() -> None:
    async def main() -> None:
        server = Server(lambda: WELL, Metrics())
        with pytest.raises(OSError, match="address already in use"):
            await blocked(server)
        await server.stop()

    asyncio.run(main())


async def blocked(server: Server) -> None:
    await server.start("127.0.0.1", 0, 0)
    taken = server.addresses[0][1]
    await server.start("127.0.0.1", 0, taken)
