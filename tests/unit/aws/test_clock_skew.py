"""A wrong clock is named, whatever the API calls it; and nothing else is blamed on the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError

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

ACCOUNT: Final = Account("111111111111", "eu-central-1")
NOW: Final = datetime(2026, 11, 26, 22, 30, tzinfo=UTC)
"""The time by our clock."""
WRONG_KEY: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method."
)
PAST: Final = (
    "Signature expired: 20261126T223000Z is now earlier than 20261126T232500Z "
    "(20261126T233000Z - 5 min.)"
)
AHEAD: Final = (
    "Signature not yet current: 20261126T223000Z is still later than 20261126T213500Z "
    "(20261126T213000Z + 5 min.)"
)
S3_SKEW: Final = "The difference between the request time and the current time is too large."
EC2_DENIED: Final = "AWS was not able to validate the provided access credentials"
TOKEN_BAD: Final = "The security token included in the request is invalid."
TOKEN_OLD: Final = "The security token included in the request is expired"


def answer(
    code: str, message: str, operation: str, minutes: float | None = 0, **headers: str
) -> ClientError:
    """AWS's answer at a time that is `minutes` after ours; None: it doesn't say."""
    if minutes is not None:
        headers["date"] = format_datetime(NOW + timedelta(minutes=minutes), usegmt=True)
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 403, "HTTPHeaders": headers},
    }
    return ClientError(response, operation)


SKEWED: Final[dict[str, tuple[ClientError, str]]] = {
    "S3": (answer("RequestTimeTooSkewed", S3_SKEW, "ListBuckets", 20), "20 minutes behind"),
    "S3, ahead": (answer("RequestTimeTooSkewed", S3_SKEW, "ListBuckets", -30), "30 minutes ahead"),
    "S3, of a link": (answer("AccessDenied", "Request has expired", "GetBucket", 60), "60 minutes"),
    "IAM": (answer("SignatureDoesNotMatch", PAST, "GetUser", 60), "60 minutes behind AWS's"),
    "IAM, ahead": (answer("SignatureDoesNotMatch", AHEAD, "GetUser", -60), "60 minutes ahead"),
    "STS": (answer("SignatureDoesNotMatch", PAST, "GetCallerIdentity", 60), "behind"),
    "STS, a role": (answer("SignatureDoesNotMatch", PAST, "AssumeRole", 60), "behind"),
    "STS, a token": (
        answer("ExpiredTokenException", TOKEN_OLD, "AssumeRoleWithWebIdentity", 600),
        "10 hours behind",
    ),
    "STS, a token that isn't valid yet": (
        answer("InvalidIdentityToken", "Token is not yet valid", "AssumeRoleWithWebIdentity", None),
        "compare the clock",
    ),
    "RDS": (answer("SignatureDoesNotMatch", PAST, "DescribeDBInstances", 60), "behind"),
    "RDS, by another word": (
        answer("InvalidSignatureException", PAST, "DescribeDBInstances", 60),
        "behind",
    ),
    "EC2": (answer("RequestExpired", "Request has expired.", "DescribeVpcs", 10), "10 minutes"),
    "EC2, which tells nothing": (answer("AuthFailure", EC2_DENIED, "DescribeVpcs", 8), "8 minutes"),
    "EC2, which tells nothing, ahead": (
        answer("AuthFailure", EC2_DENIED, "DescribeVpcs", -8),
        "8 minutes ahead",
    ),
    "ElastiCache": (
        answer("SignatureDoesNotMatch", PAST, "DescribeReplicationGroups", 60),
        "behind",
    ),
    "OpenSearch": (answer("InvalidSignatureException", PAST, "DescribeDomains", 60), "behind"),
    "Route 53": (answer("InvalidSignatureException", AHEAD, "ListHostedZones", -7), "7 minutes"),
    "an API with words of its own": (
        answer("AccessDeniedException", "Request timestamp is too far in the past", "Any", 60),
        "behind",
    ),
    "one that says only that it is in the future": (
        answer("RequestInTheFuture", "No.", "Any", None),
        "compare the clock of the node",
    ),
    "a code that nobody knows": (answer("Odd", PAST, "Any", 60), "behind"),
    "a signature, told by the Date alone": (
        answer("SignatureDoesNotMatch", WRONG_KEY, "GetUser", 6),
        "6 minutes behind",
    ),
    "keys, told by the Date alone": (
        answer("InvalidClientTokenId", TOKEN_BAD, "GetCallerIdentity", -1440 * 3),
        "3 days ahead",
    ),
    "a token that seems to have expired": (answer("ExpiredToken", TOKEN_OLD, "GetUser", 45), "45"),
    "no Date": (answer("SignatureDoesNotMatch", PAST, "GetUser", None), "compare the clock"),
    "a Date that can't be read": (
        answer("SignatureDoesNotMatch", PAST, "GetUser", None, date="yesterday"),
        "compare the clock",
    ),
    "a Date in capitals": (
        answer(
            "AuthFailure", EC2_DENIED, "DescribeVpcs", None, Date="Thu, 26 Nov 2026 23:00:00 GMT"
        ),
        "30 minutes behind",
    ),
    "a Date that fits, and a message that doesn't": (
        answer("SignatureDoesNotMatch", PAST, "GetUser", 1),
        "compare the clock",
    ),
}


@pytest.mark.parametrize("product", ["s3", "postgresql"])
@pytest.mark.parametrize(("raised", "said"), SKEWED.values(), ids=SKEWED)
def test_a_wrong_clock_is_named(raised: ClientError, said: str, product: str) -> None:
    error = classify(raised, PRODUCTS.of(product), ACCOUNT, NOW)
    assert type(error) is StalledError
    assert said in error.message
    assert "clock of the node on which the operator runs" in error.message
    assert "check the operator's own AWS credentials" not in error.message
    assert "trust policy" not in error.message
    assert error.code == raised.response["Error"]["Code"]
    assert raised.response["Error"]["Message"] in error.message


RIGHT: Final[dict[str, tuple[ClientError, type[AwsError], str]]] = {
    "a wrong secret": (
        answer("SignatureDoesNotMatch", WRONG_KEY, "GetUser", 0.5),
        StalledError,
        "credentials",
    ),
    "a wrong secret, and no Date": (
        answer("SignatureDoesNotMatch", WRONG_KEY, "GetUser", None),
        StalledError,
        "credentials",
    ),
    "a wrong secret, by another word": (
        answer("InvalidSignatureException", WRONG_KEY, "DescribeDomains", 0),
        StalledError,
        "credentials",
    ),
    "a wrong secret on EC2": (
        answer("AuthFailure", EC2_DENIED, "DescribeVpcs", 4),
        StalledError,
        "credentials",
    ),
    "keys that nobody knows": (
        answer("InvalidClientTokenId", TOKEN_BAD, "GetCallerIdentity", -4),
        StalledError,
        "credentials",
    ),
    "a token that has expired": (
        answer("ExpiredToken", TOKEN_OLD, "GetUser", 0),
        StalledError,
        "credentials",
    ),
    "a role": (answer("AccessDenied", "not authorized", "AssumeRole", 60), StalledError, "trust"),
    "a right that is missing": (
        answer("AccessDenied", "not authorized", "GetUser", 60),
        StalledError,
        "give the operator's identity this right",
    ),
    "a busy account": (answer("Throttling", "Rate exceeded", "Any", 60), ThrottledError, "fewer"),
    "a slow request": (
        answer("RequestTimeout", "Your socket connection was idle", "PutObject", 60),
        WaitError,
        "tried again",
    ),
    "a name that is taken": (
        answer("BucketAlreadyExists", "The requested bucket name", "CreateBucket", 60),
        StalledError,
        "another name",
    ),
    "a code that nobody knows": (answer("Odd", "odd", "Any", 60), RetryError, "tried again"),
}


@pytest.mark.parametrize(("raised", "meaning", "remedy"), RIGHT.values(), ids=RIGHT)
def test_nothing_else_is_blamed_on_the_clock(
    raised: ClientError, meaning: type[AwsError], remedy: str
) -> None:
    error = classify(raised, PRODUCTS.of("s3"), ACCOUNT, NOW)
    assert type(error) is meaning
    assert remedy in error.message
    assert "clock" not in error.message


TLS: Final = "SSL: CERTIFICATE_VERIFY_FAILED certificate verify failed: certificate"


@pytest.mark.parametrize(
    ("why", "is_clock"), [("is not yet valid", 1), ("has expired", 1), ("", 0)]
)
def test_a_certificate_that_is_out_of_its_time_may_be_the_clocks_fault(
    why: str, is_clock: int
) -> None:
    raised = boto.SSLError(endpoint_url="https://rds", error=OSError(f"{TLS} {why}"))
    error = classify(raised, PRODUCTS.of("s3"), ACCOUNT, NOW)
    assert type(error) is UnreachableError
    assert ("compare the clock" in error.message) == bool(is_clock)


def test_credentials_that_could_not_be_fetched_for_the_clock() -> None:
    raised = boto.CredentialRetrievalError(provider="sso", error_msg=PAST)
    error = classify(raised, PRODUCTS.of("s3"), ACCOUNT, NOW)
    assert type(error) is StalledError
    assert "compare the clock" in error.message
