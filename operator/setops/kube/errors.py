"""What can go wrong with a request to the API server.

    ApiError
    ├── BadRequest         400, also a body that strict validation refuses
    ├── Unauthorized       401
    ├── Forbidden          403, also a quota, a policy, a terminating namespace
    ├── NotFound           404
    ├── AlreadyExists      409 on create
    ├── Conflict           409 on a stale resourceVersion or uid, or a field of another manager
    ├── Gone               410, a list or watch that must be started anew
    ├── Invalid            422
    ├── TooLarge           413, or 500 where etcd says so
    ├── TooManyRequests    429, says when to try again
    └── Unavailable        5xx, no connection, no answer in time, an answer that is no JSON

`transient` means that the same request may succeed later although nobody changed anything.
"""

# ruff: noqa: N818 - the names are those of the reasons that the API server gives.

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from setops.api.kinds import Key, Kind


class ApiError(Exception):
    """A request that the API server didn't fulfil."""

    transient: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        target: Key | Kind | None = None,
        details: dict[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        """HTTP status; 0 when there was no answer."""
        self.reason = reason
        """The `reason` of the API server's Status object; for no answer, the error's class."""
        self.target = target
        self.details = details or {}
        """The `details` of the Status object: name, kind, causes."""
        self.retry_after = retry_after
        """Seconds to wait before the next attempt, if the server said so."""

    def __str__(self) -> str:
        where = f"{self.target}: " if self.target else ""
        return f"{where}{self.message}"

    @property
    def causes(self) -> tuple[tuple[str, str, str], ...]:
        """Field, reason and message of each cause that the server named."""
        return tuple(
            (cause.get("field", ""), cause.get("reason", ""), cause.get("message", ""))
            for cause in self.details.get("causes") or ()
        )

    @property
    def namespace_terminating(self) -> bool:
        """Whether a create was refused because its namespace is being deleted."""
        return any(reason == "NamespaceTerminating" for _, reason, _ in self.causes)


class BadRequest(ApiError):
    """The server does not understand the request."""


class Unauthorized(ApiError):
    """The credentials are missing or expired."""

    transient = True


class Forbidden(ApiError):
    """RBAC, an admission policy, a quota or a terminating namespace refuses the request."""


class NotFound(ApiError):
    """There is no such object, or no such kind."""


class AlreadyExists(ApiError):
    """An object of that name is there already."""


class Conflict(ApiError):
    """The object has changed since it was read, or another manager holds the field."""

    transient = True


class Gone(ApiError):
    """The continue token of a list, or the version that a watch starts from, is too old."""

    transient = True


class Invalid(ApiError):
    """The object violates its schema or a rule."""


class TooLarge(ApiError):
    """The object is larger than the server or etcd can hold (about 1.5 MiB)."""


class TooManyRequests(ApiError):
    """The server is shedding load."""

    transient = True


class Unavailable(ApiError):
    """The server could not be reached or could not answer."""

    transient = True


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: TooLarge,
    422: Invalid,
    429: TooManyRequests,
}


# With status 500, and recognizable only by these words: etcd's limit of an object and of a request.
_TOO_LARGE: Final = ("request is too large", "trying to send message larger than max")


def error_of(
    status: int, body: bytes, *, target: Key | Kind, retry_after: str | None = None
) -> ApiError:
    """The error for an answer.

    `body` is the API server's Status object, or whatever a proxy in between sent instead.
    `retry_after` is the header of that name.
    """
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict) or said.get("kind") != "Status":
        said = {"message": body[:300].decode("utf-8", "replace").strip() or f"HTTP {status}"}
    reason = said.get("reason", "")
    details = said.get("details") or {}
    message = str(said.get("message") or reason or f"HTTP {status}")
    if reason == "AlreadyExists":
        kind: type[ApiError] = AlreadyExists
    elif any(words in message for words in _TOO_LARGE):
        kind = TooLarge
    elif status >= 500:
        kind = Unavailable
    else:
        kind = _BY_STATUS.get(status, ApiError)
    return kind(
        message,
        status=status,
        reason=reason,
        target=target,
        details=details,
        retry_after=_seconds(retry_after or details.get("retryAfterSeconds")),
    )


def _seconds(value: str | float | None) -> float | None:
    try:
        return float(value) if value else None
    except ValueError:  # the header may also be a date, which the API server never sends
        return None
