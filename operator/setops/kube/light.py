"""A transport for short-lived programs: one connection, no event loop, nothing but the standard
library.

Its coroutines never wait for anything but the socket, so `finish` runs them without asyncio.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

from setops.kube import proxy as proxies
from setops.kube.access import PORTS, ClusterAccess, ServerAddress, masked
from setops.kube.login import Credentials, credentials
from setops.kube.proxy import proxy_for, proxy_of
from setops.kube.tls import InnerTls, context_for
from setops.kube.transport import JSON, Answer, headers_of

_IDLE: Final = 20.0
"""Seconds after which an unused connection may have been closed by the other side."""

_MORE_TRIES: Final = 9
"""How often a request is repeated at most, as in client-go. A new kind is refused for a second."""

_LONGEST_PAUSE: Final = 5.0

T = TypeVar("T")


class LightTransport:
    """Sends one request after another over one connection, which the first one opens.

    If the credentials are refused, they are read again, once per request. Those of EKS expire after
    a quarter of an hour, and a commit may take longer.
    """

    failures = (OSError, http.client.HTTPException)  # ssl's and TimeoutError are OSErrors

    def __init__(self, access: ClusterAccess, held: Credentials) -> None:
        self._access = access
        self._address = access.address
        self._credentials = held
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0
        named = access.cluster.proxy or proxy_for(access.server)
        self._proxy = proxy_of(named) if named else None

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
        headers = list(headers_of(content_type, accept).items())
        path = self._address.path + path
        answer = self._patiently(method, path, body, headers)
        if answer.status == 401 and self._renew():
            # The refused request had no effect, so it may go again.
            answer = self._patiently(method, path, body, headers)
        return answer

    async def close(self) -> None:
        """Close the connection."""
        self._drop()

    def _renew(self) -> bool:
        """Read the credentials anew; whether there are others now."""
        fresh = credentials(self._access)
        if fresh == self._credentials:
            return False
        self._credentials = fresh
        self._drop()
        return True

    def _patiently(
        self, method: str, path: str, payload: bytes | None, headers: Sequence[tuple[str, str]]
    ) -> Answer:
        answer = self._once(method, path, payload, headers)
        for _ in range(_MORE_TRIES):
            pause = _wanted_pause(answer)
            if pause is None:
                break
            time.sleep(pause)
            answer = self._once(method, path, payload, headers)
        return answer

    def _once(
        self, method: str, path: str, payload: bytes | None, headers: Sequence[tuple[str, str]]
    ) -> Answer:
        if time.monotonic() - self._used > _IDLE or self._is_closed():
            self._drop()
        try:
            return self._send(method, path, payload, [*headers, *self._identity()])
        except BaseException:
            self._drop()
            raise
        finally:
            self._used = time.monotonic()

    def _is_closed(self) -> bool:
        """Whether the other side has closed the connection: nobody has asked, and there is news."""
        sock = getattr(self._connection, "sock", None)
        return isinstance(sock, socket.socket) and bool(select.select([sock], [], [], 0)[0])

    def _identity(self) -> Sequence[tuple[str, str]]:
        """The headers that say who asks."""
        found: list[tuple[str, str]] = []
        if self._credentials.authorization:
            found.append(("Authorization", self._credentials.authorization))
        if self._access.user.impersonate:
            found += self._access.user.impersonate.headers()
        return found

    def _send(
        self, method: str, path: str, payload: bytes | None, headers: Sequence[tuple[str, str]]
    ) -> Answer:
        if self._connection is None:
            self._connection = self._connect()
        if self._asks_proxy and self._proxy:
            path = f"http://{self._address.host_and_port}{path}"
            if self._proxy.authorization:
                headers = [*headers, ("Proxy-Authorization", self._proxy.authorization)]
        connection = self._connection
        connection.putrequest(method, path)
        for name, value in headers:
            # A name of a user may hold any character, and one header may come several times.
            connection.putheader(name, value.encode())
        if payload is not None:
            connection.putheader("Content-Length", str(len(payload)))
        connection.endheaders(payload)
        response = connection.getresponse()
        if 300 <= response.status < 400:
            where = masked(response.getheader("Location") or "somewhere else")
            raise RedirectError(f"the server sends one to {where}; name that in the kubeconfig")
        # A server may write its headers in small letters.
        found = {name.title(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())

    @property
    def _asks_proxy(self) -> bool:
        """Whether the proxy is asked for each answer, rather than for a connection."""
        return bool(self._proxy and not self._proxy.is_socks and not self._address.is_secure)

    def _connect(self) -> http.client.HTTPConnection:
        context = context_for(self._access, self._credentials) if self._address.is_secure else None
        return _Connection(self._address, lambda: self._open(context))

    def _open(self, context: ssl.SSLContext | None) -> Any:
        """A socket, or what can be used as one, for requests to the server."""
        address, proxy = self._address, self._proxy
        name = self._access.cluster.server_name
        if proxy is None:
            made = proxies.connect((address.host, address.port))
        else:
            made = proxies.reach(proxy, context, name)
        try:
            if proxy and not self._asks_proxy:
                proxies.tunnel(made, proxy, address)
            if context is None:
                return made
            if isinstance(made, ssl.SSLSocket):
                return InnerTls(made, context, proxies.tls_name(name or address.host))
            return context.wrap_socket(made, server_hostname=proxies.tls_name(name or address.host))
        except BaseException:
            made.close()
            raise

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _wanted_pause(answer: Answer) -> float | None:
    """Seconds after which the server wants to be asked again, if it has refused for now.

    A refused request had no effect.
    """
    wait = answer.headers.get("Retry-After", "")
    busy = answer.status == 429 or answer.status >= 500
    return min(float(wait), _LONGEST_PAUSE) if busy and wait.isdecimal() else None


class RedirectError(OSError):
    """The server isn't where the kubeconfig says; credentials aren't carried elsewhere."""


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket that somebody else opens."""

    def __init__(self, address: ServerAddress, opened: Callable[[], Any]) -> None:
        super().__init__(address.host, address.port)
        self.default_port = PORTS[address.scheme]
        self._opened = opened

    def connect(self) -> None:
        """Open the socket."""
        self.sock = self._opened()


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that uses nothing but a LightTransport, and give what it returns."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    msg = "the coroutine waits for something, which needs an event loop"
    raise RuntimeError(msg)
