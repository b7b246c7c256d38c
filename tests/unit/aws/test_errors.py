"""What each answer of AWS means."""

from __future__ import annotations

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError

from setops.aws.backoff import NEXT_TRIAL, Backoff
from setops.aws.errors import (
    AwsError,
    RetryError,
    StalledError,
    ThrottledError,
    UnreachableError,
    WaitError,
    classify,
)
from setops.aws.products import PRODUCTS
from setops.aws.target import Account

ACCOUNT = Account("111111111111", "eu-central-1")


def answer(code: str, operation: str = "CreateBucket", status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "words of AWS"},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
        },
        operation,
    )


MEANINGS: dict[str, tuple[Exception, type[AwsError], str]] = {
    "too many calls": (answer("Throttling"), ThrottledError, "fewer calls"),
    "too many calls, in S3's word": (answer("SlowDown", status=503), ThrottledError, "fewer"),
    "an outage": (answer("ServiceUnavailable", status=503), WaitError, "tried again"),
    "an outage of an unknown kind": (answer("Odd", status=502), WaitError, "tried again"),
    "not there yet": (answer("NoSuchEntity", "PutUserPolicy"), WaitError, "tried again"),
    "a change by somebody else": (answer("OperationAborted"), WaitError, "tried again"),
    "a full bucket": (answer("BucketNotEmpty", "DeleteBucket"), WaitError, "tried again"),
    "a missing right": (answer("AccessDenied", status=403), StalledError, "give the operator"),
    "a role": (answer("AccessDenied", "AssumeRole", 403), StalledError, "trust policy"),
    "a name": (answer("BucketAlreadyExists", status=409), StalledError, "another name"),
    "a quota": (answer("TooManyBuckets"), StalledError, "Service Quotas"),
    "a parameter": (answer("InvalidParameterValue"), StalledError, "options"),
    "the product's own code": (answer("InvalidBucketName"), StalledError, "another name"),
    "keys that are not valid": (answer("InvalidClientTokenId"), StalledError, "credentials"),
    "keys that expired": (answer("ExpiredToken"), StalledError, "credentials"),
    "anything else": (answer("Odd"), RetryError, "tried again"),
    "no connection": (
        boto.EndpointConnectionError(endpoint_url="https://aws"),
        UnreachableError,
        "endpointUrl",
    ),
    "no answer": (boto.ReadTimeoutError(endpoint_url="https://aws"), UnreachableError, "network"),
    "a connection that broke": (
        boto.ConnectionClosedError(endpoint_url="https://aws"),
        UnreachableError,
        "network",
    ),
    "no credentials": (boto.NoCredentialsError(), StalledError, "ServiceAccount"),
    "a call that can't be made": (
        boto.ParamValidationError(report="too long"),
        StalledError,
        "too long",
    ),
    "another failure of the client": (
        boto.UnknownServiceError(service_name="x", known_service_names="y"),
        RetryError,
        "again",
    ),
    "a token that can't be read": (FileNotFoundError("/token"), RetryError, "/token; it is tried"),
}


@pytest.mark.parametrize(("raised", "meaning", "remedy"), MEANINGS.values(), ids=MEANINGS)
def test_the_meaning_of_an_answer(raised: Exception, meaning: type[AwsError], remedy: str) -> None:
    error = classify(raised, PRODUCTS.of("s3"), ACCOUNT)
    assert type(error) is meaning
    assert remedy in error.message
    assert "111111111111" in error.message
    if isinstance(raised, ClientError):
        assert error.code == raised.response["Error"]["Code"]
        assert error.operation == raised.operation_name
        assert "words of AWS" in error.message


def test_a_throttled_account_is_left_alone_for_longer_and_longer() -> None:
    backoff, now = Backoff(), 100.0
    pauses = []
    for _ in range(9):
        pauses.append(backoff.failed(ACCOUNT, now))
        now += backoff.remaining(ACCOUNT, now)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    backoff.succeeded(ACCOUNT, now)
    assert backoff.failed(ACCOUNT, now) == 1


def test_answers_to_calls_under_way_neither_stretch_nor_end_a_pause() -> None:
    backoff = Backoff()
    backoff.failed(ACCOUNT, 100.0)
    assert backoff.failed(ACCOUNT, 100.5) == 0.5
    backoff.succeeded(ACCOUNT, 100.5)
    assert backoff.remaining(ACCOUNT, 100.5) == 0.5


def test_a_throttled_account_does_not_hold_up_another() -> None:
    backoff = Backoff()
    backoff.failed(ACCOUNT, 100.0)
    assert backoff.remaining(Account("222222222222", "eu-central-1"), 100.0) == 0


def test_after_a_pause_one_call_tries_the_account_and_the_others_wait() -> None:
    backoff = Backoff()
    assert [backoff.begin(ACCOUNT, 100.0) for _ in range(2)] == [0, 0]
    backoff.failed(ACCOUNT, 100.0)
    assert backoff.begin(ACCOUNT, 100.4) == pytest.approx(0.6)
    assert [backoff.begin(ACCOUNT, 101.0) for _ in range(3)] == [0, NEXT_TRIAL, NEXT_TRIAL]
    backoff.failed(ACCOUNT, 110.0)
    assert backoff.begin(ACCOUNT, 110.0) == 2
    assert backoff.begin(ACCOUNT, 112.0) == 0
    backoff.abandoned(ACCOUNT)
    assert backoff.begin(ACCOUNT, 112.0) == 0
    backoff.succeeded(ACCOUNT, 113.0)
    assert [backoff.begin(ACCOUNT, 113.0) for _ in range(3)] == [0, 0, 0]


def test_it_tells_how_many_accounts_are_in_which_state() -> None:
    backoff, other = Backoff(), Account("222222222222", "eu-central-1")
    backoff.failed(ACCOUNT, 100.0)
    backoff.failed(other, 200.0)
    assert backoff.states(200.5) == {"half-open": 1, "open": 1}
    backoff.succeeded(ACCOUNT, 200.5)
    assert backoff.states(300.0) == {"half-open": 1}
