"""Probes and metrics over HTTP.

/healthz   503 if a leader's watches are silent or its queue is stuck; it should be restarted
/readyz    503 while a leader doesn't have everything in its cache, and while another installation
           leads the cluster; otherwise `leading` or `standby`, so that every replica of the
           Deployment becomes ready
/metrics   the text format of Prometheus
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from setops.runtime.metrics import Metrics

MAX_WATCH_SILENCE: Final = 210.0
"""How long all watches may be silent, in seconds. Each is opened again after 70 silent seconds."""

MAX_STUCK: Final = 300.0
"""How long the queue may take no key although one waits that could be handled, in seconds."""

MAX_RECONCILIATION: Final = 900.0
"""How long one reconciliation may take, in seconds."""

MAX_CONNECTIONS: Final = 64
"""How many connections each port has at a time."""

CONNECTION_SECONDS: Final = 10.0
"""How long a connection may take, in seconds: from its first byte to the last one of the answer."""

_log = logging.getLogger(__name__)

_silent = logging.getLogger(f"{__name__}.requests")
"""For what is wrong with requests, a traceback each: whoever sends them would fill the log."""
_silent.setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class State:
    """The state of the process at one moment. Times are in seconds.

    `other` is the installation that leads in place of this one; empty if there is none.
    """

    leading: bool
    synced: bool
    silence: float
    stuck: float
    longest_run: float
    other: str = ""

    @property
    def complaint(self) -> str:
        """What is wrong with a leader; empty if nothing is."""
        if not self.leading:
            return ""
        if self.silence > MAX_WATCH_SILENCE:
            return f"no sign of any watch for {self.silence:.0f} s"
        if self.stuck > MAX_STUCK:
            return f"no object was taken for {self.stuck:.0f} s, although some wait"
        if self.longest_run > MAX_RECONCILIATION:
            return f"a reconciliation has been running for {self.longest_run:.0f} s"
        return ""

    @property
    def role(self) -> str:
        """`leading`, `standby`, or `syncing` for a leader whose cache isn't complete yet.

        Or `refused`, with the installation that leads instead.
        """
        if self.other:
            return f"refused: the installation of Lease {self.other} leads this cluster"
        if not self.leading:
            return "standby"
        return "leading" if self.synced else "syncing"


_Page = Callable[[], web.Response]


def _answer(pages: Mapping[str, _Page], request: web.BaseRequest) -> web.Response:
    page = pages.get(request.path)
    if page is None:
        return web.Response(text="there is no such page\n", status=404)
    if request.method not in ("GET", "HEAD"):
        return web.Response(text="use GET\n", status=405, headers={"Allow": "GET, HEAD"})
    return page()


class _BoundedServer(web.Server):
    """Has few connections, each for a short time, whatever its clients do.

    One too many takes the place of the oldest: who sends its request at once is answered before
    that happens, and who doesn't waits for nothing.
    """

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """See `web.Server`."""
        super().connection_made(handler, transport)
        asyncio.get_running_loop().call_later(CONNECTION_SECONDS, transport.abort)
        for oldest in list(self._connections.values())[:-MAX_CONNECTIONS]:
            oldest.abort()


class Server:
    """Serves probes and metrics. It calls `state` for each request."""

    def __init__(self, state: Callable[[], State], metrics: Metrics) -> None:
        self._state = state
        self._metrics = metrics
        self._runners: list[web.ServerRunner] = []
        self.addresses: list[tuple[str, int]] = []
        """Where it listens: for probes, then for metrics if they have a port of their own."""

    async def start(self, host: str, health_port: int, metrics_port: int) -> None:
        """Listen; port 0 means any free one. Raises OSError if a port is taken."""
        probes: dict[str, _Page] = {"/healthz": self._healthz, "/readyz": self._readyz}
        metrics: dict[str, _Page] = {"/metrics": self._show_metrics}
        if health_port == metrics_port:
            await self._serve(host, health_port, {**probes, **metrics})
        else:
            await self._serve(host, health_port, probes)
            await self._serve(host, metrics_port, metrics)

    async def stop(self) -> None:
        """Close all connections."""
        for runner in self._runners:
            await runner.cleanup()

    async def _serve(self, host: str, port: int, pages: Mapping[str, _Page]) -> None:
        async def answer(request: web.BaseRequest) -> web.Response:
            try:
                response = _answer(pages, request)
            except Exception:
                _log.exception("%s can't be shown", request.path)
                raise
            response.force_close()  # one request for each connection
            return response

        server = _BoundedServer(answer, access_log=None, keepalive_timeout=0, logger=_silent)
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        self._runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        address = runner.addresses[0]
        self.addresses.append((address[0], address[1]))
        _log.info("Serving %s on port %d", ", ".join(pages), address[1])

    def _healthz(self) -> web.Response:
        complaint = self._state().complaint
        return web.Response(text=f"{complaint or 'ok'}\n", status=503 if complaint else 200)

    def _readyz(self) -> web.Response:
        role = self._state().role
        is_ready = role in ("leading", "standby")
        return web.Response(text=f"{role}\n", status=200 if is_ready else 503)

    def _show_metrics(self) -> web.Response:
        return web.Response(body=self._metrics.render(), content_type="text/plain", charset="utf-8")
