"""What `Client` needs from a connection to the API server, and what all connections share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

JSON: Final = "application/json"
REQUEST_TIMEOUT: Final = 30.0
"""Seconds without an answer after which a request has failed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, headers, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Carries requests to the API server."""

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """What `request` raises when there was no answer."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        content_type: str = "",
        body: bytes | None = None,
        accept: str = JSON,
    ) -> Answer:
        """Send a request, with a body as `body.encoded` writes it."""

    async def close(self) -> None:
        """Close all connections."""


def headers_of(content_type: str, accept: str) -> dict[str, str]:
    """The headers of a request, but for its credentials."""
    headers = {"Accept": accept, "User-Agent": "setops"}
    return headers | {"Content-Type": content_type} if content_type else headers
