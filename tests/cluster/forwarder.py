"""A forward proxy that tells what it was asked: HTTP, HTTPS or SOCKS, with or without a password.

Every name leads to one server, so that names can be used that nobody knows.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"


@dataclass
class Forwarder:
    """A proxy on loopback. `password` is what it wants in a Proxy-Authorization or of SOCKS."""

    target: tuple[str, int]
    tls: ssl.SSLContext | None = None
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Forwarder:
        self._listener = socket.create_server((LOOPBACK, 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Closing alone doesn't wake a thread that waits in accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._listener.getsockname()[1])

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with contextlib.suppress(OSError, IndexError, ValueError), contextlib.ExitStack() as open_:
            if self.tls:
                caller = self.tls.wrap_socket(caller, server_side=True)
            open_.enter_context(caller)
            server = open_.enter_context(socket.create_connection(self.target))
            first = caller.recv(1)
            if first == b"\x05":
                self._socks(caller)
            else:
                self._http(caller, server, first)
            back = threading.Thread(target=_copy, args=(server, caller), daemon=True)
            back.start()
            _copy(caller, server)
            back.join()

    def _http(self, caller: socket.socket, server: socket.socket, head: bytes) -> None:
        while not head.endswith(b"\r\n\r\n"):
            head += caller.recv(1) or _end()
        lines = head.decode("latin-1").split("\r\n")
        method, place, _ = lines[0].split(" ")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        login = headers.get("Proxy-Authorization", "nobody")
        kind = "https" if self.tls else "http"
        where = place if method == "CONNECT" else str(urlsplit(place).netloc)
        self.asked.append(f"{kind} {'CONNECT' if method == 'CONNECT' else 'ask'} {where} {login}")
        if method == "CONNECT":
            caller.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            return
        path = urlsplit(place)._replace(scheme="", netloc="").geturl()
        kept = [line for line in lines[1:] if not line.startswith("Proxy-")]
        server.sendall("\r\n".join([f"{method} {path} HTTP/1.1", *kept]).encode("latin-1"))

    def _socks(self, caller: socket.socket) -> None:
        offered = caller.recv(caller.recv(1)[0])
        login = "nobody"
        if 2 in offered:
            caller.sendall(b"\x05\x02")
            caller.recv(1)
            user, password = (caller.recv(caller.recv(1)[0]).decode() for _ in range(2))
            login = f"{user}:{password}"
            caller.sendall(b"\x01\x00")
        else:
            caller.sendall(b"\x05\x00")
        kind = caller.recv(4)[3]
        if kind == 3:
            host = caller.recv(caller.recv(1)[0]).decode()
        else:
            family = socket.AF_INET if kind == 1 else socket.AF_INET6
            host = socket.inet_ntop(family, caller.recv(4 if kind == 1 else 16))
        port = struct.unpack("!H", caller.recv(2))[0]
        self.asked.append(f"socks {host}:{port} {login}")
        caller.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")


def _end() -> bytes:
    raise OSError


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
