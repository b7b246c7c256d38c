"""Connects the operator to the API server, from inside a pod or by a kubeconfig.

Importing `kubernetes` takes about a second, since it imports every way to log in. So that happens
when one connects, not when one imports this module.
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
import ssl
import time
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from setops.fence import Fence, FencedError
from setops.kube.access import masked
from setops.kube.proxy import proxy_for
from setops.kube.transport import JSON, REQUEST_TIMEOUT, Answer, headers_of

if TYPE_CHECKING:
    from kubernetes.aio.client.configuration import Configuration

CONNECT_TIMEOUT: Final = 10.0
MAX_CONNECTIONS: Final = 32
RELOAD_INTERVAL: Final = 5.0
"""Seconds between two reads of the credentials, however often the server refuses them."""

_READ_BUFFER: Final = 2**21
"""Bytes of an answer that are read ahead. Lists are large."""

_READS: Final = frozenset({"GET", "HEAD"})

_TIMEOUT: Final = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT, sock_connect=CONNECT_TIMEOUT)

_log = logging.getLogger(__name__)


class Connection:
    """A `Transport` by the configuration, credentials and trust of `kubernetes`.

    The requests are our own, since its HTTP client writes bodies as JSON in ASCII; see `body`.
    """

    failures = (aiohttp.ClientError, OSError)  # TimeoutError is an OSError

    def __init__(
        self, configuration: Configuration, kubeconfig: str | None, fence: Fence | None = None
    ) -> None:
        from kubernetes.aio.client.rest import RESTClientObject

        configuration.proxy = configuration.proxy or proxy_for(configuration.host)
        proxy = str(configuration.proxy)
        if proxy.startswith("socks"):
            raise ValueError(
                f"The operator can't use the SOCKS proxy {masked(proxy)}: name an HTTP proxy "
                "in HTTPS_PROXY, or except the API server in NO_PROXY"
            )
        self._configuration = configuration
        self._kubeconfig = kubeconfig
        self._fence = fence
        rest: Any = RESTClientObject(configuration)
        self._trust: ssl.SSLContext = rest.ssl_context
        self._requests = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, ssl=self._trust),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=configuration.proxy,
            read_bufsize=_READ_BUFFER,
        )
        self._renewed = -RELOAD_INTERVAL
        self._renewing = asyncio.Lock()

    @property
    def server(self) -> str:
        """URL of the API server, without a slash at the end."""
        return str(self._configuration.host)

    async def authorization(self) -> str | None:
        """The Authorization header. In a pod it changes when the token file is rotated."""
        header: str | None = await self._configuration.get_api_key_with_prefix(
            "BearerToken", alias="authorization"
        )
        return header

    async def request(
        self,
        method: str,
        path: str,
        *,
        content_type: str = "",
        body: bytes | None = None,
        accept: str = JSON,
    ) -> Answer:
        """See `Transport.request`. If the token is refused, it is read again, once.

        Raises FencedError for a write that may not leave any more.
        """
        headers = headers_of(content_type, accept)
        refused = await self._authorize(headers)
        answer = await self._send(method, path, headers, body)
        # The refused request had no effect, so it may go again.
        if answer.status == 401 and await self._renew(refused):
            await self._authorize(headers)
            answer = await self._send(method, path, headers, body)
        return answer

    def session(self) -> aiohttp.ClientSession:
        """A new session for long-lived watches, with the same trust and credentials.

        It outlives tokens: a request whose token is refused waits until there is another one, or
        until its caller's timeout.
        """

        async def authorize(
            request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
        ) -> aiohttp.ClientResponse:
            while True:
                refused = await self._authorize(request.headers)
                response = await handler(request)
                if response.status != 401:
                    return response
                response.release()
                if not await self._renew(refused):
                    await asyncio.sleep(RELOAD_INTERVAL)

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._trust),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=self._configuration.proxy,
            middlewares=(authorize,),
            headers={"User-Agent": "setops"},
        )

    async def _authorize(self, headers: MutableMapping[str, str]) -> str | None:
        authorization = await self.authorization()
        if authorization:
            headers["Authorization"] = authorization
        return authorization

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        fence = None if method in _READS else self._fence
        if fence is not None:
            fence.check()
        try:
            async with self._requests.request(
                method,
                self.server + path,
                headers=headers,
                data=None if body is None else _Body(body, fence),
                timeout=_TIMEOUT,
                server_hostname=self._configuration.tls_server_name,
                proxy_headers=self._configuration.proxy_headers,
            ) as response:
                return Answer(response.status, response.headers, await response.read())
        except aiohttp.ClientConnectionError as error:
            if isinstance(error.__cause__, FencedError):
                raise error.__cause__ from None
            raise

    async def _renew(self, refused: str | None) -> bool:
        """Read the credentials again after some were refused. Returns whether they changed.

        Works for every kind that expires: token files, exec plugins, a kubeconfig that was written
        again. Nothing but the token changes.
        """
        async with self._renewing:
            if (
                await self.authorization() == refused
                and time.monotonic() - self._renewed >= RELOAD_INTERVAL
            ):
                self._renewed = time.monotonic()
                fresh = await _configuration(self._kubeconfig)
                self._configuration.api_key = fresh.api_key
                self._configuration.refresh_api_key_hook = fresh.refresh_api_key_hook
                if await self.authorization() == refused:
                    _log.warning("The API server refuses the credentials, and there are no others")
            return await self.authorization() != refused

    async def close(self) -> None:
        """Close all pooled connections."""
        await self._requests.close()


class _Body(aiohttp.BytesIOPayload):
    """The body of a request. A write's asks the fence once more when there is a connection.

    Every write has a body, and the API server does nothing before it has all of it.
    """

    def __init__(self, body: bytes, fence: Fence | None) -> None:
        # Not as bytes: aiohttp warns of large ones, which it sends in one piece.
        super().__init__(io.BytesIO(body))
        self._fence = fence

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        if self._fence is not None:
            self._fence.check()
        await super().write_with_length(writer, content_length)


async def connect(kubeconfig: str | None = None, fence: Fence | None = None) -> Connection:
    """Connect by `kubeconfig`, else `KUBECONFIG`, else the pod's account, else ~/.kube/config.

    With a `fence`, nothing is written while that is closed. Raises ValueError if there is none of
    them, or the one found can't be used.
    """
    return Connection(await _configuration(kubeconfig), kubeconfig, fence)


async def _configuration(kubeconfig: str | None) -> Configuration:
    from kubernetes.aio.client.configuration import Configuration
    from kubernetes.aio.config import ConfigException, incluster_config, kube_config

    # Untyped in the library.
    in_cluster: Any = incluster_config.load_incluster_config
    by_file: Any = kube_config.load_kube_config
    configuration = Configuration()
    path = kubeconfig or os.environ.get("KUBECONFIG")
    try:
        if not path and os.environ.get(incluster_config.SERVICE_HOST_ENV_NAME):
            in_cluster(configuration)
        else:
            await by_file(path or "~/.kube/config", client_configuration=configuration)
    except (ConfigException, OSError, TypeError) as error:
        raise ValueError(
            "No way to reach a cluster: run in a pod with a ServiceAccount, or set KUBECONFIG to a "
            f"readable file with a current context ({error})"
        ) from error
    return configuration
