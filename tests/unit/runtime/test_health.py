"""Probes and metrics, over HTTP."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from setops.api.kinds import APP, Kind
from setops.runtime import health
from setops.runtime.health import Server, State
from setops.runtime.metrics import Metrics

WELL = State(leading=True, synced=True, silence=1.0, stuck=0.0, longest_run=0.0)


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
            State(leading=False, synced=False, silence=9e9, stuck=0, longest_run=0),
            (200, "ok"),
            (200, "standby"),
        ),
        (
            "a leader that does not know everything yet",
            State(leading=True, synced=False, silence=1, stuck=0, longest_run=0),
            (200, "ok"),
            (503, "syncing"),
        ),
        (
            "a deaf leader",
            State(leading=True, synced=True, silence=300, stuck=0, longest_run=0),
            (503, "no sign of any watch for 300 s"),
            (200, "leading"),
        ),
        (
            "a stuck queue",
            State(leading=True, synced=True, silence=1, stuck=301, longest_run=0),
            (503, "no object was taken for 301 s, although some wait"),
            (200, "leading"),
        ),
        (
            "a stuck worker",
            State(leading=True, synced=True, silence=1, stuck=0, longest_run=1000),
            (503, "a reconciliation has been running for 1000 s"),
            (200, "leading"),
        ),
    ],
)
def test_probes(why: str, state: State, healthz: tuple[int, str], readyz: tuple[int, str]) -> None:
    assert asked(state, "/healthz", "/readyz") == [healthz, readyz], why


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/healthz/", 404),
        ("POST", "/healthz", 405),
        ("DELETE", "/metrics", 405),
        ("HEAD", "/readyz", 200),
    ],
)
def test_other_requests(method: str, path: str, status: int) -> None:
    async def main() -> int:
        server = Server(lambda: WELL, Metrics())
        await server.start("127.0.0.1", 0, 0)
        where = f"http://127.0.0.1:{server.addresses[0][1]}{path}"
        async with aiohttp.ClientSession() as session, session.request(method, where) as response:
            found = response.status
        await server.stop()
        return found

    assert asyncio.run(main()) == status


HALVES = {
    "nothing": b"",
    "half a line": b"GET /hea",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ",
    "half a body": b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
    "half a chunk": b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a head without end": b"GET /healthz HTTP/1.1\r\n" + b"X-A: b\r\n" * 5000,
}


@pytest.mark.parametrize("half", HALVES)
def test_who_never_ends_a_request_keeps_nobody_out_and_no_connection(
    half: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(health, "CONNECTION_SECONDS", 2.0)

    async def main() -> None:
        server = Server(lambda: WELL, Metrics())
        await server.start("127.0.0.1", 0, 0)
        port = server.addresses[0][1]
        held = []
        for number in range(3 * health.MAX_CONNECTIONS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HALVES[half])
            held.append((reader, writer))
            if number % health.MAX_CONNECTIONS == health.MAX_CONNECTIONS - 1:
                async with (
                    aiohttp.ClientSession() as session,
                    session.get(f"http://127.0.0.1:{port}/healthz") as response,
                ):
                    assert response.status == 200, "a probe is answered all the same"
        # All of them come to an end, since the server ends them; only the test has a limit.
        async with asyncio.timeout(60):
            await asyncio.gather(*(each.read() for each, _ in held), return_exceptions=True)
        for _, writer in held:
            writer.close()
        await asyncio.gather(*(each.wait_closed() for _, each in held), return_exceptions=True)
        await server.stop()

    asyncio.run(main())
    assert len(caplog.records) <= 5, "no flood of lines"


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
