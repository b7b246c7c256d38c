"""Whether AWS refused a call because our clock is wrong. Pure.

AWS takes no signature that is more than 5 minutes old or ahead (S3: 15), and each API has codes of
its own for that. Most of those also stand for wrong credentials. So what decides is AWS's message,
and the time of AWS in the `Date` header of its answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

CLOCK: Final = (
    "compare the clock of the node on which the operator runs with AWS's time, and set it"
)
"""What to do about a wrong clock, if it isn't known how wrong it is."""

_ALLOWED: Final = timedelta(minutes=5)
_CODES: Final = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
"""Codes that stand for nothing else."""
_PERHAPS: Final = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidIdentityToken",
        "InvalidSignature",
        "InvalidSignatureException",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Codes about credentials, which a wrong clock brings about as well."""
_WORDS: Final = re.compile(
    r"signature (has )?expired|signature (is )?not yet (current|valid)|request has expired"
    r"|is (now earlier|still later) than|difference between the request time|clock skew"
    r"|request (time|timestamp|date)\b.*(too (far|old|skewed)|in the (past|future))|too skewed"
    r"|token (is )?(not yet valid|used before issued)|certificate (is not yet valid|has expired)",
    re.IGNORECASE | re.DOTALL,
)
"""Words of AWS, and of TLS, about times that don't fit."""


def remedy_for_skew(response: Mapping[str, Any], now: datetime) -> str:
    """What to do if a wrong clock is why AWS refused a call; empty if it isn't.

    `response` is that of botocore's ClientError, and `now` the time by our clock.
    """
    error = response.get("Error", {})
    code, said = str(error.get("Code", "")), str(error.get("Message", ""))
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    skew = _skew(headers, now)
    is_off = skew is not None and abs(skew) > _ALLOWED
    if code in _CODES or names_the_clock(said) or (is_off and code in _PERHAPS):
        return _remedy(skew if is_off else None)
    return ""


def names_the_clock(text: str) -> bool:
    """Whether a message speaks of times that don't fit."""
    return _WORDS.search(text) is not None


def _remedy(skew: timedelta | None) -> str:
    if skew is None:
        return CLOCK
    where = "ahead of" if skew > timedelta() else "behind"
    return (
        f"the clock of the node on which the operator runs is {_shown(abs(skew))} {where} AWS's; "
        "set it, the credentials may be right"
    )


def _shown(skew: timedelta) -> str:
    minutes = round(skew.total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{round(minutes / 60)} hours" if minutes < 2880 else f"{round(minutes / 1440)} days"


def _skew(headers: Mapping[str, Any], now: datetime) -> timedelta | None:
    """How far our clock is ahead of AWS's; None if AWS doesn't say."""
    text = next((value for name, value in headers.items() if name.lower() == "date"), "")
    try:
        there = parsedate_to_datetime(str(text))
    except ValueError:
        return None
    if there.tzinfo is None:
        there = there.replace(tzinfo=UTC)
    return now - there
