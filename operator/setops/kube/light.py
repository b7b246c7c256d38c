"""A transport for short-lived programs: one connection, no event loop, nothing but the standard
library.

Its coroutines never wait for anything but the socket, so `finish` runs them without asyncio.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import tempfile
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from setops.kube.kubeconfig import ClusterAccess, Credentials
from setops.kube.transport import JSON, REQUEST_TIMEOUT, Answer, headers_of, proxy_for

_IDLE: Final = 20.0
"""Seconds after which an unused connection may have been closed by the other side."""

T = TypeVar("T")


class LightTransport:
    """Sends one request after another over one connection, which the first one opens.

    If the credentials are refused, they are read again, once per request. Those of EKS expire after
    a quarter of an hour, and a commit may take longer.
    """

    failures = (OSError, http.client.HTTPException)  # ssl's and TimeoutError are OSErrors

    def __init__(self, access: ClusterAccess, credentials: Credentials) -> None:
        self._access = access
        self._credentials = credentials
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0

    @property
    def server(self) -> str:
        """URL of the API server, without a slash at the end."""
        return self._access.server

    async def request(
        self,
        method: str,
        path: str,
        *,
        content_type: str = "",
        body: bytes | None = None,
        accept: str = JSON,
    ) -> Answer:
        """See `Transport.request`."""
        headers = headers_of(content_type, accept)
        path = urlsplit(self.server).path + path
        answer = self._once(method, path, body, headers)
        if answer.status == 401 and self._renew():
            # The refused request had no effect, so it may go again.
            answer = self._once(method, path, body, headers)
        return answer

    async def close(self) -> None:
        """Close the connection."""
        self._drop()

    def _renew(self) -> bool:
        """Read the credentials anew; whether there are others now."""
        fresh = self._access.credentials()
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
        proxy = self._access.proxy or proxy_for(self.server)
        if url.scheme == "http":
            return http.client.HTTPConnection(host, port or 80, timeout=REQUEST_TIMEOUT)
        context = self._context()
        name = self._access.server_name
        if proxy:
            via = urlsplit(proxy)
            connection = _Tls(via.hostname or "", via.port or 3128, context, name or host)
            connection.set_tunnel(host, port or 443)
            return connection
        return _Tls(host, port or 443, context, name or host)

    def _context(self) -> ssl.SSLContext:
        access, credentials = self._access, self._credentials
        authority = access.authority.decode() if access.authority else None
        context = ssl.create_default_context(cadata=authority)
        if access.insecure:
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
        super().__init__(host, port, context=context, timeout=REQUEST_TIMEOUT)
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
