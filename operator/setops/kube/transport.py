"""What carries a request to the API server: all that `Client` needs to know of a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

JSON: Final = "application/json"


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
        body: object = None,
        accept: str = JSON,
    ) -> Answer:
        """Send `body` as JSON."""

    async def close(self) -> None:
        """Close all connections."""
