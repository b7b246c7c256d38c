"""The light transport, against a real HTTP server on loopback."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Generator, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sandbox.certificates import Authority
from setops.kube.access import ClusterAccess, ClusterEntry, UserEntry
from setops.kube.body import encoded
from setops.kube.light import LightTransport, RedirectError, finish
from setops.kube.login import credentials


class Server(BaseHTTPRequestHandler):
    """Takes one token at a time, and tells what was sent."""

    protocol_version = "HTTP/1.1"
    token: ClassVar[str] = "first"
    busy: ClassVar[int] = 0
    refusal: ClassVar[tuple[int, str]] = (429, "Retry-After")
    seen: ClassVar[list[tuple[str, str, Any]]] = []

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        sent = str(self.headers.get("Authorization"))
        self.seen.append((self.path, sent, body))
        if Server.busy:
            Server.busy -= 1
            status, header = Server.refusal
            self.send_response(status)
            self.send_header(header, "0")
            self.send_header("Location", "https://me:secret@elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        status = 200 if sent == f"Bearer {self.token}" else 401
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterAccess]:
    """A server with a certificate, and a user whose token is in a file."""
    folder = tmp_path_factory.mktemp("server")
    authority = Authority.create("light")
    authority.server("light", ("localhost",), ()).write(folder, "light")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "light.crt", folder / "light.key")
    http = HTTPServer(("127.0.0.1", 0), Server)
    http.socket = tls.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    url = f"https://localhost:{http.server_port}/prefix"
    cluster = ClusterEntry(server=url, authority_data=authority.pair.certificate)
    yield ClusterAccess(
        "test", url, "default", cluster, UserEntry(token_file=str(folder / "token"))
    )
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def made(access: ClusterAccess) -> Iterator[LightTransport]:
    """A connection with the first token."""
    Server.token, Server.seen[:] = "first", []
    Path(access.user.token_file).write_text("first")
    transport = LightTransport(access, credentials(access))
    yield transport
    finish(transport.close())


def ask(made: LightTransport, method: str = "GET", body: bytes | None = None) -> int:
    return finish(made.request(method, "/api", body=body)).status


def test_requests_go_below_the_servers_path(made: LightTransport) -> None:
    assert ask(made, "POST", encoded({"a": "ü"})) == 200
    assert ask(made) == 200
    assert [(path, body) for path, _, body in Server.seen] == [
        ("/prefix/api", {"a": "ü"}),
        ("/prefix/api", None),
    ]


def test_a_token_that_has_expired_is_read_anew(made: LightTransport, access: ClusterAccess) -> None:
    assert ask(made) == 200
    Server.token = "second"
    assert ask(made) == 401, "there is no other one yet"
    Path(access.user.token_file).write_text("second")
    assert ask(made, "POST", b"{}") == 200


def test_a_server_that_sends_one_elsewhere_is_told(made: LightTransport) -> None:
    Server.busy, Server.refusal = 1, (307, "X-Other")
    with pytest.raises(RedirectError, match=r"https://…@elsewhere; name that"):
        ask(made)


@pytest.mark.parametrize(
    "refusal", [(429, "Retry-After"), (429, "retry-after"), (503, "RETRY-AFTER")]
)
def test_a_server_that_is_busy_is_asked_again_when_it_says_so(
    made: LightTransport, refusal: tuple[int, str]
) -> None:
    Server.busy, Server.refusal = 3, refusal
    assert ask(made, "POST", encoded({"a": 1})) == 200
    assert [body for _, _, body in Server.seen] == [{"a": 1}] * 4
    Server.busy = 10
    assert ask(made) == refusal[0], "not for ever"
    assert Server.busy == 0


def test_plain_http_gets_no_token(access: ClusterAccess) -> None:
    # Everybody on the way could read it.
    plain = replace(access, server="http://127.0.0.1:1")
    assert credentials(plain).authorization == ""


def test_no_server_is_a_failure_of_the_transport(access: ClusterAccess) -> None:
    made = LightTransport(replace(access, server="http://127.0.0.1:1"), credentials(access))
    with pytest.raises(made.failures):
        ask(made)


def test_a_coroutine_that_waits_for_something_else_is_refused() -> None:
    class Elsewhere:
        def __await__(self) -> Generator[None, None, None]:
            yield

    async def wait() -> None:
        await Elsewhere()

    with pytest.raises(RuntimeError, match="needs an event loop"):
        finish(wait())
