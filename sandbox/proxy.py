"""An HTTP proxy that counts requests and makes chosen ones fail.

It stands in front of the API server or of the AWS emulator, on loopback. Callers speak plain HTTP
to it, or TLS where they insist on that, as kubectl does before it shows a token. Their headers, the
Authorization header among them, and their bodies pass unchanged, and answers stream through as they
come, so that watches work. One thread serves all connections, each with a connection of its own to
the target.

    with Proxy(sandbox.server, sandbox.authority) as proxy:
        proxy.rule = at_write(3, Fail(500))
        with sandbox.operator(api_proxy=proxy.url):
            ...
        writes = [record for record in proxy.records if record.is_write]
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from sandbox.ports import LOOPBACK

# Of one head, and of what is buffered for a slow reader.
_LIMIT = 1 << 20
_BLOCK = 1 << 16
_ROUNDS = 5
_END = b"\r\n\r\n"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Request:
    """What a caller asks; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_write(self) -> bool:
        """Whether it may change anything. AWS's query APIs post their reads, too."""
        return self.method not in _READS

    @property
    def is_watch(self) -> bool:
        """Whether it is a watch of the API server."""
        return "watch=true" in self.query or "watch=1" in self.query


@dataclass
class Record:
    """A request that came, in the order of arrival, and what its caller got."""

    request: Request
    # Seconds on the clock of time.monotonic.
    started: float
    # None until there is an answer, and for good when the caller got none.
    status: int | None = None
    # From the request's arrival to the end of the answer; None while it lasts.
    seconds: float | None = None

    @property
    def is_write(self) -> bool:
        return self.request.is_write

    def __str__(self) -> str:
        query = f"?{self.request.query}" if self.request.query else ""
        return f"{self.request.method} {self.request.path}{query} {self.status}"


@dataclass(frozen=True)
class Pass:
    """The request and its answer pass unchanged."""


@dataclass(frozen=True)
class Fail:
    """The target sees nothing of the request; the caller gets this answer.

    Without a body of its own it is a Status as the API server sends it.
    """

    status: int
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """The target sees nothing of the request; the caller's connection is closed."""


@dataclass(frozen=True)
class Drop:
    """The request takes effect, but its caller's connection is closed instead of an answer.

    `after` is called in between: to kill the caller there, for example.
    """

    after: Callable[[], object] | None = None


@dataclass(frozen=True)
class Rewrite:
    """The request takes effect, and its caller gets what the function makes of the answer's body.

    The answer is held until it is there as a whole; one without a body passes unchanged.
    """

    function: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Delay:
    """Something happens after this many seconds."""

    seconds: float
    then: Action = Pass()


@dataclass(frozen=True)
class Call:
    """Something happens after a function was called.

    The function runs in the proxy's thread: nothing passes meanwhile, and it must not itself make
    requests through the proxy.
    """

    function: Callable[[], object]
    then: Action = Pass()


Action = Pass | Fail | Cut | Drop | Rewrite | Delay | Call
# None means the same as Pass.
Rule = Callable[[Request], Action | None]


def at_write(number: int, action: Action) -> Rule:
    """A rule that lets everything pass but the `number`-th write from now on, counted from 1."""
    return at_request(number, action, lambda request: request.is_write)


def at_request(number: int, action: Action, matching: Callable[[Request], bool]) -> Rule:
    """A rule that lets everything pass but the `number`-th request that matches."""
    seen = 0

    def rule(request: Request) -> Action | None:
        nonlocal seen
        if not matching(request):
            return None
        seen += 1
        return action if seen == number else None

    return rule


class _Ended(Exception):  # noqa: N818 - not an error
    """The connection is over; nothing more can be said on it."""


class _Protocol(asyncio.StreamReaderProtocol):
    """Of either side; keeps its transport among those that are open."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None] | None,
        open_ones: set[asyncio.Transport],
    ) -> None:
        super().__init__(reader, connected, loop=asyncio.get_running_loop())
        self._open_ones = open_ones
        self._own: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._own = transport
        self._open_ones.add(transport)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._own is not None:
            self._open_ones.discard(self._own)
        super().connection_lost(exc)


class _ClientReader(asyncio.StreamReader):
    """Tells when the caller has gone away, though nobody reads just then."""

    gone: Callable[[], None] | None = None

    def feed_eof(self) -> None:
        super().feed_eof()
        if self.gone is not None:
            self.gone()


@dataclass(frozen=True)
class _Head:
    first: list[str]
    lines: list[str]
    headers: dict[str, str]

    @staticmethod
    def parse(raw: bytes) -> _Head:
        first, *lines = raw[: -len(_END)].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return _Head(first.split(" ", 2), lines, headers)

    @property
    def is_chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def closes(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


class _Chunks:
    """Finds the end of a chunked body in a stream of blocks, without changing them."""

    def __init__(self) -> None:
        self._line = b""
        self._skip = 0
        self._last = False
        self.ended = False

    def feed(self, block: bytes) -> None:
        position = 0
        while position < len(block) and not self.ended:
            if self._skip:
                step = min(self._skip, len(block) - position)
                self._skip -= step
                position += step
                continue
            end = block.find(b"\n", position)
            if end < 0:
                self._line += block[position:]
                return
            line = (self._line + block[position:end]).strip()
            self._line = b""
            position = end + 1
            if self._last:
                # After the last chunk come trailers, up to an empty line.
                self.ended = not line
                continue
            size = int(line.split(b";")[0], 16)
            self._last = size == 0
            self._skip = size + 2 if size else 0


class _Connection:
    """A caller's connection, and the one to the target that belongs to it."""

    def __init__(self, proxy: Proxy, reader: _ClientReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._target: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def serve(self) -> None:
        try:
            while await self._exchange():
                pass
        except (_Ended, asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass  # one of the two sides has gone, and the other will see that
        finally:
            self.close()

    def close(self) -> None:
        self._reader.gone = None
        self._writer.close()
        self._leave_target()

    def _leave_target(self) -> None:
        if self._target is not None:
            self._target[1].transport.abort()
            self._target = None

    async def _exchange(self) -> bool:
        """Serves one request; whether another may follow on the connection."""
        head = _Head.parse(await self._reader.readuntil(_END))
        record = self._proxy.arrived(head, await self._body(head))
        action = self._proxy.judge(record.request)
        while isinstance(action, Delay | Call):
            if isinstance(action, Delay):
                await asyncio.sleep(action.seconds)
            else:
                action.function()
            action = action.then
        try:
            match action:
                case Fail():
                    self._writer.write(_answer(action))
                    await self._writer.drain()
                    record.status = action.status
                case Cut():
                    raise _Ended
                case Drop():
                    await self._forward(head, record, deliver=_nowhere)
                    record.status = None
                    if action.after is not None:
                        action.after()
                    raise _Ended
                case Rewrite():
                    return await self._rewrite(head, record, action.function)
                case Pass():
                    # Without its caller a request need not go on, nor should a watch.
                    self._reader.gone = self._leave_target
                    closes = await self._forward(head, record, deliver=self._deliver)
                    self._reader.gone = None
                    return not closes
        finally:
            record.seconds = time.monotonic() - record.started
        return not head.closes

    async def _rewrite(
        self, head: _Head, record: Record, function: Callable[[bytes], bytes]
    ) -> bool:
        """Answers with another body; whether another request may follow on the connection."""
        blocks: list[bytes] = []

        async def keep(block: bytes) -> None:
            blocks.append(block)

        closes = await self._forward(head, record, deliver=keep)
        raw, *body = blocks
        answer = _Head.parse(raw)
        if body:
            raw = _rewritten(answer, function(_unchunked(answer, b"".join(body))))
        await self._deliver(raw)
        return not closes

    async def _body(self, head: _Head) -> bytes:
        if head.headers.get("expect", "").lower() == "100-continue":
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not head.is_chunked:
            return await self._reader.readexactly(int(head.headers.get("content-length", "0")))
        body = b""
        while size := int((await self._reader.readuntil(b"\n")).split(b";")[0], 16):
            body += (await self._reader.readexactly(size + 2))[:size]
        while (await self._reader.readuntil(b"\n")).strip():
            pass
        return body

    async def _deliver(self, block: bytes) -> None:
        self._writer.write(block)
        await self._writer.drain()

    async def _forward(
        self, head: _Head, record: Record, deliver: Callable[[bytes], Awaitable[None]]
    ) -> bool:
        """Sends the request and delivers the answer; whether the connection ends with it."""
        if self._target is None or self._target[0].at_eof():
            self._leave_target()
            self._target = await self._proxy.connect()
        reader, writer = self._target
        writer.write(_forwarded(head, record.request))
        await writer.drain()
        raw = await reader.readuntil(_END)
        while raw.startswith(b"HTTP/1.1 100"):
            raw = await reader.readuntil(_END)
        answer = _Head.parse(raw)
        record.status = int(answer.first[1])
        await deliver(raw)
        if record.status == HTTPStatus.SWITCHING_PROTOCOLS:
            await self._tunnel(reader, writer)
            return True
        empty = record.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        if empty or record.request.method == "HEAD":
            return answer.closes
        if answer.is_chunked:
            chunks = _Chunks()
            while not chunks.ended:
                block = await _block(reader)
                chunks.feed(block)
                await deliver(block)
        elif "content-length" in answer.headers:
            missing = int(answer.headers["content-length"])
            while missing:
                block = await _block(reader, missing)
                missing -= len(block)
                await deliver(block)
        else:
            while block := await reader.read(_BLOCK):
                await deliver(block)
            return True
        return answer.closes or head.closes

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes bytes both ways until one side ends, as after an upgrade of the protocol."""

        async def upwards() -> None:
            while block := await self._reader.read(_BLOCK):
                writer.write(block)
                await writer.drain()

        task = asyncio.ensure_future(upwards())
        try:
            while block := await reader.read(_BLOCK):
                await self._deliver(block)
        finally:
            task.cancel()


class Proxy:
    """A proxy in front of `target`, a URL; as a context manager it serves until the end.

    `authority` is the certificate file that an https target is checked with. With a `rule`, what
    happens to each request is up to it; it can be set and changed at any time. With a
    `certificate` file, whose key is beside it (.crt and .key), callers are served by TLS. It
    listens on `port`, by default on one that is free.
    """

    def __init__(
        self,
        target: str,
        authority: Path | None = None,
        rule: Rule | None = None,
        certificate: Path | None = None,
        port: int = 0,
    ) -> None:
        parts = urlsplit(target)
        assert parts.hostname is not None  # noqa: S101
        assert parts.port is not None  # noqa: S101
        self._address = (parts.hostname, parts.port)
        self._tls = None
        if parts.scheme == "https":
            self._tls = ssl.create_default_context(cafile=authority)
        self._serving = None
        if certificate is not None:
            self._serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._serving.load_cert_chain(certificate, certificate.with_suffix(".key"))
        self.rule = rule
        self.records: list[Record] = []
        self._port = port
        self._errors: list[Exception] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.Transport] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sandbox-proxy", daemon=True)
        self._listening = threading.Event()
        self._ending = asyncio.Event()

    @property
    def url(self) -> str:
        """Where callers reach it."""
        return f"http{'s' if self._serving else ''}://{LOOPBACK}:{self._port}"

    @property
    def writes(self) -> list[Record]:
        """The records of requests that may have changed something."""
        return [record for record in self.records if record.is_write]

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()
        # A rule that is broken must not look like a caller that failed.
        if kind is None and self._errors:
            raise self._errors[0]

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._listening.set()
            self._loop.close()

    async def _serve(self) -> None:
        server = await self._loop.create_server(
            self._protocol, LOOPBACK, self._port, ssl=self._serving, backlog=1024
        )
        self._port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._ending.wait()
        # Whoever was just let in has not begun to shake hands, and can't be sent away before.
        await _rounds()
        server.close()
        # Those of connections, and those that still shake hands.
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # TLS says goodbye and waits for an answer, longer than the loop lives.
        for transport in tuple(self._open):
            transport.abort()
        # Aborted transports are closed in the next rounds of the loop.
        await _rounds()

    def _protocol(self) -> _Protocol:
        reader = _ClientReader(limit=_LIMIT, loop=self._loop)
        return _Protocol(reader, self._connected, self._open)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert isinstance(reader, _ClientReader)  # noqa: S101
        task = self._loop.create_task(_Connection(self, reader, writer).serve())
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            error = task.exception()
            if isinstance(error, Exception):
                self._errors.append(error)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A new connection to the target."""
        host, port = self._address
        reader = asyncio.StreamReader(limit=_LIMIT, loop=self._loop)
        transport, protocol = await self._loop.create_connection(
            lambda: _Protocol(reader, None, self._open), host, port, ssl=self._tls
        )
        return reader, asyncio.StreamWriter(transport, protocol, reader, self._loop)

    def arrived(self, head: _Head, body: bytes) -> Record:
        """Takes note of a request."""
        method, target, _ = head.first
        path, _, query = target.partition("?")
        record = Record(Request(method, path, query, head.headers, body), time.monotonic())
        self.records.append(record)
        return record

    def judge(self, request: Request) -> Action:
        """What the rule says about a request."""
        rule = self.rule
        return Pass() if rule is None else rule(request) or Pass()


async def _rounds() -> None:
    """Lets the loop do what one thing and then the next has put off to its next round."""
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)


async def _nowhere(_: bytes) -> None:
    """Where a dropped answer goes."""


async def _block(reader: asyncio.StreamReader, most: int = _BLOCK) -> bytes:
    block = await reader.read(min(most, _BLOCK))
    if not block:
        raise _Ended
    return block


def _forwarded(head: _Head, request: Request) -> bytes:
    """The request as the target gets it: the caller's, with the body in one piece."""
    framing = ("expect", "transfer-encoding", "content-length")
    lines = [line for line in head.lines if line.partition(":")[0].strip().lower() not in framing]
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join([" ".join(head.first), *lines, "", ""]).encode("latin-1") + request.body


def _rewritten(head: _Head, body: bytes) -> bytes:
    """The target's answer with another body, in one piece."""
    framing = ("transfer-encoding", "content-length")
    lines = [line for line in head.lines if line.partition(":")[0].strip().lower() not in framing]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([" ".join(head.first), *lines, "", ""]).encode("latin-1") + body


def _unchunked(head: _Head, body: bytes) -> bytes:
    if not head.is_chunked:
        return body
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        whole += body[:length]
        body = body[length + 2 :] if length else b""
    return whole


def _answer(fail: Fail) -> bytes:
    headers = {"Content-Type": "application/json", **fail.headers}
    body = fail.body
    if body is None:
        phrase = HTTPStatus(fail.status).phrase
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "refused by the sandbox's proxy, as its rule says",
            "reason": phrase.title().replace(" ", ""),
            "code": fail.status,
        }
        body = json.dumps(status).encode()
    headers["Content-Length"] = str(len(body))
    lines = [f"HTTP/1.1 {fail.status} {HTTPStatus(fail.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
