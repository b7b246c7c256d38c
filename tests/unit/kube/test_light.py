"""The light transport, against a real HTTP server on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from setops.kube.body import encoded
from setops.kube.kubeconfig import ClusterAccess
from setops.kube.light import LightTransport, finish


class Server(BaseHTTPRequestHandler):
    """Takes one token at a time, and tells what was sent."""

    protocol_version = "HTTP/1.1"
    token: ClassVar[str] = "first"
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
        status = 200 if sent == f"Bearer {self.token}" else 401
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    Server.token, Server.seen[:] = "first", []
    http = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}/prefix"
    http.shutdown()
    thread.join()
    http.server_close()


def transport(server: str, tmp_path: Path) -> LightTransport:
    (tmp_path / "token").write_text("first")
    target = ClusterAccess("test", server, "default", folder=tmp_path, user={"tokenFile": "token"})
    return LightTransport(target, target.credentials())


def ask(made: LightTransport, method: str = "GET", body: bytes | None = None) -> int:
    return finish(made.request(method, "/api", body=body)).status


def test_requests_go_below_the_servers_path(server: str, tmp_path: Path) -> None:
    made = transport(server, tmp_path)
    assert ask(made, "POST", encoded({"a": "ü"})) == 200
    assert ask(made) == 200
    finish(made.close())
    assert [(path, body) for path, _, body in Server.seen] == [
        ("/prefix/api", {"a": "ü"}),
        ("/prefix/api", None),
    ]


def test_a_token_that_has_expired_is_read_anew(server: str, tmp_path: Path) -> None:
    made = transport(server, tmp_path)
    assert ask(made) == 200
    Server.token = "second"
    assert ask(made) == 401, "there is no other one yet"
    (tmp_path / "token").write_text("second")
    assert ask(made, "POST", b"{}") == 200
    finish(made.close())


def test_no_server_is_a_failure_of_the_transport(tmp_path: Path) -> None:
    made = transport("http://127.0.0.1:1", tmp_path)
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
