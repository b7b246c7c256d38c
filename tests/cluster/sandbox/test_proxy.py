"""The proxy in front of the API server and of the AWS emulator."""

from __future__ import annotations

import contextlib
import gc
import http.client
import json
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox import Sandbox, kubeconfig
from sandbox.ports import LOOPBACK
from sandbox.proxy import Call, Cut, Delay, Drop, Fail, Proxy, Rewrite, at_request, at_write
from sandbox.waiting import until


class Target(BaseHTTPRequestHandler):
    """Answers what the path asks for, and remembers the writes."""

    protocol_version = "HTTP/1.1"
    writes: list[bytes]
    released: threading.Event

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_HEAD(self) -> None:
        self._answer(b"x" * 7)

    def do_GET(self) -> None:
        if self.path == "/stream":
            self._stream()
        elif self.path == "/until-close":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"the end is the end")
        elif self.path == "/nothing":
            self.send_response(204)
            self.end_headers()
        else:
            self._answer(b"x" * int(self.path[1:]))

    def do_POST(self) -> None:
        self.writes.append(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(self.headers.get("Authorization", "").encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"6\r\nfirst\n\r\n")
        self.released.wait(30)
        # Cut where a reader of blocks would trip: inside a size, inside data.
        for part in (
            b"1",
            b"0;x=y\r",
            b"\n0123456789",
            b"abcdef\r",
            b"\n0\r\nTrailer: t\r\n",
            b"\r\n",
        ):
            self.wfile.write(part)
            self.wfile.flush()


@pytest.fixture
def target() -> Iterator[ThreadingHTTPServer]:
    Target.writes, Target.released = [], threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Target) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        Target.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(target: ThreadingHTTPServer) -> Iterator[Proxy]:
    with Proxy(f"http://127.0.0.1:{target.server_port}") as running:
        yield running


@pytest.fixture
def caller(proxy: Proxy) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=30)
    yield connection
    connection.close()


def ask(caller: http.client.HTTPConnection, method: str, path: str) -> tuple[int, bytes]:
    body = b"content" if method == "POST" else None
    caller.request(method, path, body, {"Authorization": "Bearer secret"})
    answer = caller.getresponse()
    return answer.status, answer.read()


def test_requests_of_one_connection_pass_and_are_recorded(
    proxy: Proxy, caller: http.client.HTTPConnection
) -> None:
    assert ask(caller, "GET", "/3") == (200, b"xxx")
    assert ask(caller, "HEAD", "/7") == (200, b"")
    assert ask(caller, "GET", "/nothing") == (204, b"")
    assert ask(caller, "POST", "/write?a=b") == (200, b"Bearer secret")
    assert ask(caller, "GET", "/3000000") == (200, b"x" * 3_000_000)
    assert ask(caller, "GET", "/until-close") == (200, b"the end is the end")
    until(lambda: proxy.records[-1].seconds is not None, "the last record")
    assert [str(record) for record in proxy.records] == [
        "GET /3 200",
        "HEAD /7 200",
        "GET /nothing 204",
        "POST /write?a=b 200",
        "GET /3000000 200",
        "GET /until-close 200",
    ]
    assert [record.request.body for record in proxy.writes] == [b"content"]
    assert all(record.seconds is not None for record in proxy.records)


def test_a_stream_is_not_held_back(proxy: Proxy, caller: http.client.HTTPConnection) -> None:
    caller.request("GET", "/stream")
    answer = caller.getresponse()
    assert answer.readline() == b"first\n"
    assert proxy.records[0].seconds is None
    Target.released.set()
    assert answer.read() == b"0123456789abcdef"
    # The end was found, so the connection serves the next request.
    assert ask(caller, "GET", "/1") == (200, b"x")


def test_the_body_of_a_request_may_be_chunked(caller: http.client.HTTPConnection) -> None:
    caller.request("POST", "/", iter([b"con", b"tent"]), encode_chunked=True)
    assert caller.getresponse().read() == b""
    assert Target.writes == [b"content"]


def test_a_caller_who_waits_for_100_continue_gets_it(proxy: Proxy) -> None:
    parts = urlsplit(proxy.url)
    with socket.create_connection((parts.hostname, parts.port or 0), timeout=30) as connection:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"ok")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    assert Target.writes == [b"ok"]


def test_a_caller_who_leaves_ends_the_request_at_the_target(proxy: Proxy) -> None:
    caller = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=30)
    caller.request("GET", "/stream")
    caller.getresponse().readline()
    caller.close()
    until(lambda: proxy.records[0].seconds is not None, "the end of the stream")


def test_a_request_fails_without_reaching_the_target(
    proxy: Proxy, caller: http.client.HTTPConnection
) -> None:
    proxy.rule = at_write(2, Fail(409))
    assert ask(caller, "POST", "/")[0] == 200
    assert ask(caller, "GET", "/1")[0] == 200
    status, body = ask(caller, "POST", "/")
    assert (status, json.loads(body)["reason"]) == (409, "Conflict")
    assert ask(caller, "POST", "/")[0] == 200
    assert len(Target.writes) == 2
    assert [record.status for record in proxy.writes] == [200, 409, 200]


def test_a_request_fails_with_an_answer_of_choice(
    proxy: Proxy, caller: http.client.HTTPConnection
) -> None:
    proxy.rule = at_write(1, Fail(503, b"<Error/>", {"Content-Type": "text/xml"}))
    assert ask(caller, "POST", "/") == (503, b"<Error/>")


def test_a_connection_is_cut_before_the_request_takes_effect(
    proxy: Proxy, caller: http.client.HTTPConnection
) -> None:
    proxy.rule = at_write(1, Cut())
    with pytest.raises(http.client.RemoteDisconnected):
        ask(caller, "POST", "/")
    assert Target.writes == []
    assert proxy.writes[0].status is None


def test_an_answer_is_dropped_after_the_request_took_effect(
    proxy: Proxy, caller: http.client.HTTPConnection
) -> None:
    seen: list[int] = []
    proxy.rule = at_write(1, Drop(after=lambda: seen.append(len(Target.writes))))
    with pytest.raises(http.client.RemoteDisconnected):
        ask(caller, "POST", "/")
    assert seen == [1]
    assert proxy.writes[0].status is None


def test_an_answer_is_rewritten(proxy: Proxy, caller: http.client.HTTPConnection) -> None:
    proxy.rule = lambda _: Rewrite(lambda body: body.upper() + b"!")
    Target.released.set()
    answers = {"/3": b"XXX!", "/stream": b"FIRST\n0123456789ABCDEF!", "/nothing": b""}
    for path, expected in answers.items():
        caller.request("GET", path)
        answer = caller.getresponse()
        assert (answer.status, answer.read()) == (204 if path == "/nothing" else 200, expected)
    caller.request("POST", "/", body=b"seen", headers={"Authorization": "me"})
    assert caller.getresponse().read() == b"ME!"
    assert Target.writes == [b"seen"]


def test_actions_follow_each_other(proxy: Proxy, caller: http.client.HTTPConnection) -> None:
    called: list[str] = []
    slow = Delay(0.01, Call(lambda: called.append("now"), Fail(500)))
    proxy.rule = at_request(1, slow, lambda request: request.path == "/5")
    assert ask(caller, "GET", "/4")[0] == 200
    assert ask(caller, "GET", "/5")[0] == 500
    assert called == ["now"]


def test_a_broken_rule_is_not_hidden(target: ThreadingHTTPServer) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError

    def run() -> None:
        with Proxy(f"http://127.0.0.1:{target.server_port}", rule=broken) as proxy:
            caller = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=30)
            with pytest.raises(http.client.RemoteDisconnected):
                ask(caller, "GET", "/1")
            caller.close()

    with pytest.raises(ZeroDivisionError):
        run()


def test_callers_are_served_at_the_same_time(proxy: Proxy) -> None:
    def call(_: int) -> set[tuple[int, bytes]]:
        connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=30)
        answers = {ask(connection, "GET", "/5000") for _ in range(20)}
        connection.close()
        return answers

    with ThreadPoolExecutor(8) as pool:
        answers = set().union(*pool.map(call, range(16)))
    assert answers == {(200, b"x" * 5000)}
    assert len(proxy.records) == 320


def test_kubectl_watches_through_it(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.kubectl("create", "serviceaccount", "watcher")
    role = ("--clusterrole=edit", "--serviceaccount=default:watcher")
    sandbox.kubectl("create", "rolebinding", "watcher", *role)
    token = sandbox.kubectl("create", "token", "watcher").stdout.strip()
    with Proxy(sandbox.server, sandbox.authority, certificate=sandbox.certificate) as proxy:
        server = kubeconfig.Server(proxy.url, sandbox.authority.read_bytes())
        config = kubeconfig.write(tmp_path / "kubeconfig", server, token)
        who = sandbox.kubectl("auth", "whoami", kubeconfig=config).stdout
        assert "system:serviceaccount:default:watcher" in who
        sandbox.kubectl("create", "deployment", "watched", "--image=x:1", kubeconfig=config)
        # It returns on an event of its watch.
        sandbox.kubectl("rollout", "status", "deployment/watched", kubeconfig=config)
        proxy.rule = at_write(1, Drop())
        failed = sandbox.kubectl("create", "configmap", "kept", kubeconfig=config, check=False)
        assert "EOF" in failed.stderr
        assert sandbox.kubectl("get", "configmap", "kept", "--output=name").stdout
    assert any(record.request.is_watch for record in proxy.records)
    assert [record.status for record in proxy.writes] == [201, 201, None]


@pytest.mark.parametrize("greets", [True, False], ids=["greeted", "silent"])
def test_it_ends_without_a_goodbye_of_its_callers(sandbox: Sandbox, greets: bool) -> None:
    """Whatever stays open is warned of in some later test."""
    gc.collect()
    with warnings.catch_warnings(record=True) as told, contextlib.ExitStack() as open_ones:
        warnings.simplefilter("always")
        with Proxy(sandbox.server, sandbox.authority, certificate=sandbox.certificate) as proxy:
            address = (LOOPBACK, urlsplit(proxy.url).port)
            caller = open_ones.enter_context(socket.create_connection(address))
            if greets:
                trust = ssl.create_default_context(cafile=sandbox.authority)
                caller = trust.wrap_socket(caller, server_hostname=LOOPBACK)
                open_ones.enter_context(caller)
                caller.sendall(b"GET /version HTTP/1.1\r\n\r\n")
                assert caller.recv(1)
            else:
                time.sleep(0.2)  # nothing tells that it was let in
        del proxy
        gc.collect()
    assert [str(each.message) for each in told] == []


def test_it_stands_in_front_of_aws(sandbox: Sandbox) -> None:
    import boto3

    with Proxy(sandbox.aws_endpoint) as proxy:
        s3 = boto3.client(
            "s3",
            endpoint_url=proxy.url,
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        s3.create_bucket(
            Bucket="proxied", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        s3.put_object(Bucket="proxied", Key="a", Body=b"content")
        assert s3.get_object(Bucket="proxied", Key="a")["Body"].read() == b"content"
        s3.close()
    assert [record.request.method for record in proxy.records] == ["PUT", "PUT", "GET"]
