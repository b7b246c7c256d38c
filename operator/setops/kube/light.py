"""A transport for short-lived programs: one connection, no event loop, nothing but the standard
library.

Its coroutines never wait for anything but the socket, so `finish` runs them without asyncio.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import tempfile
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from setops.kube.kubeconfig import Credentials, Target
from setops.kube.transport import JSON, Answer

TIMEOUT: Final = 30.0
"""Seconds without an answer after which a request has failed."""
_IDLE: Final = 20.0
"""Seconds after which an unused connection is not trusted to be open still."""

T = TypeVar("T")


class LightTransport:
    """Requests one after another over one connection, which is opened at the first.

    Credentials that are refused are read anew, once a request: those of EKS live a quarter of an
    hour, and a commit may take longer.
    """

    failures = (OSError, http.client.HTTPException)  # ssl's and TimeoutError are OSErrors

    def __init__(self, target: Target, credentials: Credentials) -> None:
        self._target = target
        self._credentials = credentials
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0

    @property
    def server(self) -> str:
        """URL of the API server, without a slash at the end."""
        return self._target.server

    async def request(
        self,
        method: str,
        path: str,
        *,
        content_type: str = "",
        body: object = None,
        accept: str = JSON,
    ) -> Answer:
        """See `Transport.request`."""
        headers = {"Accept": accept, "User-Agent": "setops"}
        if content_type:
            headers["Content-Type"] = content_type
        payload = None if body is None else json.dumps(body).encode()
        path = urlsplit(self.server).path + path
        answer = self._once(method, path, payload, headers)
        if answer.status == 401 and self._renew():
            # The refused request had no effect, so it may go again.
            answer = self._once(method, path, payload, headers)
        return answer

    async def close(self) -> None:
        """Close the connection."""
        self._drop()

    def _renew(self) -> bool:
        """Read the credentials anew; whether there are others now."""
        fresh = self._target.credentials()
        if fresh == self._credentials:
            return False
        self._credentials = fresh
        self._drop()
        return True

    def _once(
        self, method: str, path: str, payload: bytes | None, headers: dict[str, str]
    ) -> Answer:
        if self._credentials.token:
            headers = {**headers, "Authorization": f"Bearer {self._credentials.token}"}
        if time.monotonic() - self._used > _IDLE:
            self._drop()
        try:
            return self._send(method, path, payload, headers)
        except BaseException:
            self._drop()
            raise
        finally:
            self._used = time.monotonic()

    def _send(
        self, method: str, path: str, payload: bytes | None, headers: dict[str, str]
    ) -> Answer:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.request(method, path, payload, headers)
        response = self._connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())

    def _connect(self) -> http.client.HTTPConnection:
        url = urlsplit(self.server)
        host, port = url.hostname or "", url.port
        proxy = self._target.proxy or _proxy(url.scheme, host)
        if url.scheme == "http":
            return http.client.HTTPConnection(host, port or 80, timeout=TIMEOUT)
        context = self._context()
        name = self._target.server_name
        if proxy:
            via = urlsplit(proxy)
            connection = _Tls(via.hostname or "", via.port or 3128, context, name or host)
            connection.set_tunnel(host, port or 443)
            return connection
        return _Tls(host, port or 443, context, name or host)

    def _context(self) -> ssl.SSLContext:
        target, credentials = self._target, self._credentials
        authority = target.authority.decode() if target.authority else None
        context = ssl.create_default_context(cadata=authority)
        if target.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if credentials.certificate and credentials.key:
            # OpenSSL reads a client's certificate only from files.
            with _file(credentials.certificate) as certificate, _file(credentials.key) as key:
                context.load_cert_chain(certificate, key)
        return context

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Tls(http.client.HTTPSConnection):
    """HTTPS that checks the certificate against a name of its own, also through a proxy."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, name: str) -> None:
        super().__init__(host, port, context=context, timeout=TIMEOUT)
        self._tls, self._name = context, name

    def connect(self) -> None:
        """Connect, through the proxy if there is one, and shake hands."""
        http.client.HTTPConnection.connect(self)
        # Small requests on a connection that stays open must not wait for acknowledgements.
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that uses nothing but a LightTransport, and give what it returns."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    msg = "the coroutine waits for something, which needs an event loop"
    raise RuntimeError(msg)


@contextmanager
def _file(content: bytes) -> Iterator[str]:
    descriptor, path = tempfile.mkstemp(prefix="setops-")
    try:
        os.write(descriptor, content)
        os.close(descriptor)
        yield path
    finally:
        os.unlink(path)


def _proxy(scheme: str, host: str) -> str | None:
    """The proxy that the environment names for a server, if any; like kubectl, none on loopback."""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return None
    import urllib.request

    found: str | None = urllib.request.getproxies().get(scheme)
    return None if found is None or urllib.request.proxy_bypass(host) else found
