"""Answers of the API server as errors."""

from __future__ import annotations

import json

import pytest

from setops.api.kinds import APP, Key, Object
from setops.kube import errors

KEY = Key(APP, "ns", "web")


def status(code: int, reason: str, message: str = "", **details: object) -> bytes:
    body: Object = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return json.dumps({**body, "details": details}).encode()


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (400, "BadRequest", errors.BadRequest),
        (401, "Unauthorized", errors.Unauthorized),
        (403, "Forbidden", errors.Forbidden),
        (404, "NotFound", errors.NotFound),
        (409, "AlreadyExists", errors.AlreadyExists),
        (409, "Conflict", errors.Conflict),
        (410, "Expired", errors.Gone),
        (422, "Invalid", errors.Invalid),
        (429, "TooManyRequests", errors.TooManyRequests),
        (500, "InternalError", errors.Unavailable),
        (503, "ServiceUnavailable", errors.Unavailable),
        (418, "Teapot", errors.ApiError),
    ],
)
def test_class_by_status(code: int, reason: str, expected: type[errors.ApiError]) -> None:
    error = errors.error_of(code, status(code, reason, "why"), target=KEY)
    assert type(error) is expected
    assert (error.status, error.reason, error.target) == (code, reason, KEY)
    assert str(error) == "App ns/web: why"


def test_the_server_says_when_to_come_back() -> None:
    by_body = errors.error_of(429, status(429, "TooManyRequests", retryAfterSeconds=3), target=KEY)
    by_header = errors.error_of(429, b"", target=KEY, retry_after="7")
    assert (by_body.retry_after, by_header.retry_after) == (3.0, 7.0)
    assert errors.error_of(429, b"", target=KEY, retry_after="Mon, 23 Nov").retry_after is None


def test_causes() -> None:
    cause = {"field": "spec.scale", "reason": "FieldValueInvalid", "message": "too many"}
    error = errors.error_of(422, status(422, "Invalid", causes=[cause]), target=KEY)
    assert error.causes == (("spec.scale", "FieldValueInvalid", "too many"),)


def test_a_terminating_namespace_is_told_apart_from_a_missing_right() -> None:
    cause = {"reason": "NamespaceTerminating", "message": "", "field": "metadata.namespace"}
    assert errors.error_of(
        403, status(403, "Forbidden", causes=[cause]), target=KEY
    ).namespace_terminating
    assert not errors.error_of(403, status(403, "Forbidden"), target=KEY).namespace_terminating


@pytest.mark.parametrize("body", [b"", b"<html>bad gateway</html>", b"[1]", b'{"kind": "Pod"}'])
def test_an_answer_that_is_no_status(body: bytes) -> None:
    assert isinstance(errors.error_of(502, body, target=KEY), errors.Unavailable)
