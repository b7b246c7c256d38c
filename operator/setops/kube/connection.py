"""Where the API server is and who we are there: in-cluster, or by kubeconfig.

Loading `kubernetes` costs about a second (it imports every authentication scheme that it knows),
so that happens on connecting, not on importing this module.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
import urllib.request
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp

from setops.kube.transport import JSON, Answer

if TYPE_CHECKING:
    from kubernetes.aio.client.configuration import Configuration

REQUEST_TIMEOUT: Final = 30.0
CONNECT_TIMEOUT: Final = 10.0
MAX_CONNECTIONS: Final = 32
RELOAD_INTERVAL: Final = 5.0
"""Seconds within which credentials are not read again, however often the server refuses them."""

_TIMEOUT: Final = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT, sock_connect=CONNECT_TIMEOUT)


_log = logging.getLogger(__name__)


class Connection:
    """The API server by the `kubernetes` library's configuration, credentials and HTTP client."""

    failures = (aiohttp.ClientError, OSError)  # TimeoutError is an OSError

    def __init__(self, configuration: Configuration, kubeconfig: str | None) -> None:
        from kubernetes.aio.client.rest import RESTClientObject

        # With `trust_env`, aiohttp would look up ~/.netrc in a thread for every request, and fail
        # where it finds the host there, since we send a header of our own.
        configuration.client_session_kwargs = {
            "trust_env": False,
            "cookie_jar": aiohttp.DummyCookieJar(),
        }
        configuration.connection_pool_maxsize = MAX_CONNECTIONS
        configuration.proxy = configuration.proxy or _proxy(configuration.host)
        self._configuration = configuration
        self._kubeconfig = kubeconfig
        self._rest: Any = RESTClientObject(configuration)
        self._renewed = -RELOAD_INTERVAL
        self._renewing = asyncio.Lock()

    @property
    def server(self) -> str:
        """URL of the API server, without a slash at the end."""
        return str(self._configuration.host)

    async def authorization(self) -> str | None:
        """The Authorization header; in a pod it follows the rotation of the token file."""
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
        body: object = None,
        accept: str = JSON,
    ) -> Answer:
        """See `Transport.request`. A token that is refused is read anew, once."""
        headers = {"Accept": accept, "User-Agent": "setops"}
        if content_type:
            headers["Content-Type"] = content_type
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

        context: ssl.SSLContext = self._rest.ssl_context
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context),
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
        self, method: str, path: str, headers: Mapping[str, str], body: object
    ) -> Answer:
        response = await self._rest.request(
            method, self.server + path, headers=dict(headers), body=body, _request_timeout=_TIMEOUT
        )
        return Answer(response.status, response.headers, await response.read())

    async def _renew(self, refused: str | None) -> bool:
        """Read the credentials anew after some were refused; whether there are others now.

        Serves every form that expires: token files, exec plugins, a kubeconfig that was written
        anew. Other parts of the connection than the token stay as they are.
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
        await self._rest.close()


async def connect(kubeconfig: str | None = None) -> Connection:
    """Connect by `kubeconfig`, else by `KUBECONFIG`, else as the pod's ServiceAccount, else by
    ~/.kube/config.

    Raises ValueError when there is nothing of it or it can't be used.
    """
    return Connection(await _configuration(kubeconfig), kubeconfig)


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


def _proxy(server: str) -> str | None:
    """The proxy that the environment names for a server, if any; like kubectl, none on loopback."""
    url = urlsplit(server)
    host = url.hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return None
    proxies: dict[str, Any] = urllib.request.getproxies()
    return None if urllib.request.proxy_bypass(host) else proxies.get(url.scheme)
