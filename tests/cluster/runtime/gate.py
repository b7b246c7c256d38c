"""A door in front of the API server that a test can shut, hold and break."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from sandbox import Sandbox


@dataclass
class Gate:
    """Passes requests on over plain HTTP, and remembers them."""

    url: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and path with query, in the order in which they came."""
    tokens: set[str] = field(default_factory=set)
    """Tokens that are accepted."""
    before_next_page: Callable[[str], Awaitable[None]] | None = None
    """Awaited, with the path, before a request for another page of a list passes."""
    cut_within: bytes = b""
    """The next answer to a watch that holds this is cut in the middle of it, with its watch."""
    _shut: bool = False
    _forgetful: bool = False
    _watches: set[asyncio.BaseTransport] = field(default_factory=set)
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._flowing.set()

    @property
    def watches(self) -> int:
        """How many watches have been opened and not been cut."""
        return len(self._watches)

    def shut(self, *, forget: bool) -> None:
        """Cut all watches and accept no request.

        After `forget`, watches that go on from before get to hear that their version is too old.
        """
        self._shut = True
        self._forgetful = forget
        for transport in self._watches:
            transport.close()
        self._watches.clear()

    def open(self) -> None:
        """Let requests pass again."""
        self._shut = False

    def hold(self) -> None:
        """Let no event pass. What else is asked is answered."""
        self._flowing.clear()

    def let_flow(self) -> None:
        """Let what was held pass, and what comes."""
        self._flowing.set()

    async def handle(
        self, request: web.Request, session: aiohttp.ClientSession
    ) -> web.StreamResponse:
        """Pass one request on."""
        watching = "watch" in request.query
        self.requests.append((request.method, request.path_qs))
        if self._shut:
            return self._cut(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return web.json_response({"kind": "Status", "code": 401}, status=401)
        if watching and self._forgetful and "resourceVersion" in request.query:
            status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
            return web.Response(text=json.dumps({"type": "ERROR", "object": status}) + "\n")
        if "continue" in request.query and self.before_next_page:
            await self.before_next_page(request.path)
        headers = {
            name: value
            for name, value in request.headers.items()
            if name in ("Accept", "Authorization", "Content-Type")
        }
        try:
            async with session.request(
                request.method, request.path_qs, headers=headers, data=await request.read() or None
            ) as answer:
                return await self._pass_on(request, answer)
        except aiohttp.ClientError:
            return self._cut(request)

    async def _pass_on(
        self, request: web.Request, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        watching = "watch" in request.query
        response = web.StreamResponse(status=answer.status)
        response.content_type = answer.content_type
        await response.prepare(request)
        if watching and request.transport:
            self._watches.add(request.transport)
        async for chunk in answer.content.iter_any():
            if watching:
                await self._flowing.wait()
            if watching and self.cut_within and self.cut_within in chunk:
                middle = chunk.index(self.cut_within) + len(self.cut_within) // 2
                self.cut_within = b""
                await response.write(chunk[:middle])
                return self._cut(request)
            await response.write(chunk)
        return response

    def _cut(self, request: web.Request) -> web.Response:
        if request.transport:
            self._watches.discard(request.transport)
            request.transport.close()
        return web.Response()

    def remember(self) -> None:
        """Versions are no longer too old."""
        self._forgetful = False


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def gate(sandbox: Sandbox, token: str) -> AsyncIterator[Gate]:
    """An open door that accepts one token."""
    made = Gate(tokens={token})
    trust = ssl.create_default_context(cafile=str(sandbox.authority))
    sockets: list[socket.socket] = []

    def connected(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, _ = info
        sockets.append(socket.socket(family, kind, protocol))
        return sockets[-1]

    connector = aiohttp.TCPConnector(limit=0, ssl=trust, socket_factory=connected)
    async with aiohttp.ClientSession(sandbox.server, connector=connector) as session:

        async def handle(request: web.Request) -> web.StreamResponse:
            return await made.handle(request, session)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield made
        finally:
            await runner.cleanup()
    # TLS says goodbye and waits for an answer, longer than aiohttp does for what was cut off.
    await until(lambda: all(each.fileno() == -1 for each in sockets))
