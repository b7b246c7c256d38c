"""Just enough of a client for the API server to bring a control plane up."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import weakref
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.ports import LOOPBACK

Object = dict[str, Any]

_PATIENCE = 10.0
_JSON = "application/json"


class ApiError(Exception):
    """The API server refused a request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Api:
    """The API server of a sandbox, as seen by the holder of the client certificate.

    Reads go over connections that are kept, since a new one takes more than the reading does;
    writes, which can't be sent again when a kept one has died, over one of their own.
    """

    def __init__(self, port: int, tls: ssl.SSLContext) -> None:
        self._port = port
        self._tls = tls
        self._kept: list[http.client.HTTPSConnection] = []
        weakref.finalize(self, _close_all, self._kept)

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Object:
        """Sends one request and gives the answer's object. The body of a PATCH is merged.

        Raises ApiError for an answer that isn't a success, OSError or HTTPException when there is
        no answer.
        """
        if method == "GET":
            status, text = self._read(path)
        else:
            status, text = self._write(method, path, body)
        if status >= 300:
            raise ApiError(status, text.strip())
        parsed: Object = json.loads(text) if text.startswith("{") else {"text": text}
        return parsed

    def _read(self, path: str) -> tuple[int, str]:
        while self._kept:
            connection = self._kept.pop()
            # The server may have closed it meanwhile, or another one may have taken its place.
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self._get(connection, path)
        return self._get(self._connection(), path)

    def _get(self, connection: http.client.HTTPSConnection, path: str) -> tuple[int, str]:
        try:
            connection.request("GET", path, headers={"Accept": _JSON})
            answer = connection.getresponse()
            status, text = answer.status, answer.read().decode()
        except BaseException:
            connection.close()
            raise
        self._kept.append(connection)
        return status, text

    def _write(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, str]:
        connection = self._connection()
        try:
            content = None if body is None else json.dumps(body)
            sent = "application/merge-patch+json" if method == "PATCH" else _JSON
            headers = {"Content-Type": sent, "Accept": _JSON}
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            LOOPBACK, self._port, timeout=_PATIENCE, context=self._tls
        )

    def is_ready(self) -> bool:
        """Whether the API server says of itself that it is ready."""
        try:
            self.request("GET", "/readyz")
        except (ApiError, OSError, http.client.HTTPException):
            return False
        return True


def _close_all(connections: Iterable[http.client.HTTPSConnection]) -> None:
    for connection in connections:
        connection.close()
