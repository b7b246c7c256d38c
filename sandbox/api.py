"""Just enough of a client for the API server to bring a control plane up."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.ports import LOOPBACK

Object = dict[str, Any]

_PATIENCE = 10.0


class ApiError(Exception):
    """The API server refused a request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass(frozen=True)
class Api:
    """The API server of a sandbox, as seen by the holder of the client certificate."""

    port: int
    tls: ssl.SSLContext

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Object:
        """Sends one request and gives the answer's object. The body of a PATCH is merged.

        Raises ApiError for an answer that isn't a success, OSError or HTTPException when there is
        no answer.
        """
        connection = http.client.HTTPSConnection(
            LOOPBACK, self.port, timeout=_PATIENCE, context=self.tls
        )
        try:
            content = None if body is None else json.dumps(body)
            sent = "application/merge-patch+json" if method == "PATCH" else "application/json"
            headers = {"Content-Type": sent, "Accept": "application/json"}
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 300:
            raise ApiError(answer.status, text.strip())
        parsed: Object = json.loads(text) if text.startswith("{") else {"text": text}
        return parsed

    def is_ready(self) -> bool:
        """Whether the API server says of itself that it is ready."""
        try:
            self.request("GET", "/readyz")
        except (ApiError, OSError, http.client.HTTPException):
            return False
        return True
