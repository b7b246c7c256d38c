"""What goes wrong with AWS, in three meanings.

AwsError
├── WaitError         it passes by itself: observe again later
│   ├── ThrottledError    the account is called too often
│   └── UnreachableError  no answer from the endpoint
├── StalledError      somebody has to act: rights, a name, a quota, a parameter
│   ├── ConflictError      a resource of somebody else has our name
│   └── UnsupportedTypeError
└── RetryError        unknown: try again with growing delays

After a StalledError the Service is still tried again now and then: somebody may have cleared the
cause at AWS, which we don't notice otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, Protocol

from botocore import exceptions as boto
from botocore.exceptions import ClientError

from setops.aws.api_use import PARAMETER, QUOTA
from setops.aws.clock_skew import CLOCK, names_the_clock, remedy_for_skew
from setops.aws.target import Account


class AwsError(Exception):
    """A failed call. `code` is AWS's error code, `operation` the API operation, if known."""

    def __init__(self, message: str, *, code: str, operation: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.operation = operation


class WaitError(AwsError):
    """It passes by itself. `retry_after` is in seconds; None: the caller chooses the delay."""

    def __init__(
        self, message: str, *, code: str, operation: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, code=code, operation=operation)
        self.retry_after = retry_after


class ThrottledError(WaitError):
    """AWS asked for fewer calls in this account, or our back-off after that still lasts."""


class UnreachableError(WaitError):
    """The endpoint does not answer."""


class StalledError(AwsError):
    """Somebody has to act. The message says what to do."""


class ConflictError(StalledError):
    """A resource has our name but not our tags. `resource` names it."""

    def __init__(self, resource: str) -> None:
        super().__init__(
            f"{resource} exists without our tags and is not touched: it is somebody else's, or "
            "another cluster's; give the Service another name, or remove what nobody needs",
            code="AlreadyExists",
        )
        self.resource = resource


class UnsupportedTypeError(StalledError):
    """Services of this type can't be created. The message lists the types that can."""


class RetryError(AwsError):
    """The meaning is unknown."""


class Codes(Protocol):
    """What `classify` needs of a product: its name, and what its own error codes mean.

    A code of `wait_codes` makes a WaitError, one of `stall_codes` a StalledError with its remedy.
    """

    @property
    def type_name(self) -> str: ...

    @property
    def wait_codes(self) -> Collection[str]: ...

    @property
    def stall_codes(self) -> Mapping[str, str]: ...


_THROTTLE_CODES: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

_WAIT_CODES: Final = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceFailure",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)

_RIGHTS: Final = "give the operator's identity this right, or remove the policy that denies it"
_CREDENTIALS: Final = "check the operator's own AWS credentials and the account's roleArn"

_STALL_CODES: Final[Mapping[str, str]] = {
    "AccessDenied": _RIGHTS,
    "AccessDeniedException": _RIGHTS,
    "UnauthorizedOperation": _RIGHTS,
    "AllAccessDisabled": _RIGHTS,
    "AuthFailure": _CREDENTIALS,
    "ExpiredToken": _CREDENTIALS,
    "ExpiredTokenException": _CREDENTIALS,
    "InvalidAccessKeyId": _CREDENTIALS,
    "IncompleteSignature": _CREDENTIALS,
    "InvalidClientTokenId": _CREDENTIALS,
    "InvalidIdentityToken": _CREDENTIALS,
    "InvalidSignature": _CREDENTIALS,
    "InvalidSignatureException": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "UnrecognizedClientException": _CREDENTIALS,
    "LimitExceeded": QUOTA,
    "ServiceQuotaExceededException": QUOTA,
    "InvalidArgument": PARAMETER,
    "InvalidInput": PARAMETER,
    "InvalidParameterValue": PARAMETER,
    "InvalidParameterCombination": PARAMETER,
    "ValidationError": PARAMETER,
    "AccountProblem": "the account is suspended or unpaid; see the AWS billing console",
    "OptInRequired": "enable the product or the region in this account",
}
"""Codes that somebody has to clear, with what to do.

This table and the two above hold for every product. Codes of one API are in the `wait_codes` and
`stall_codes` of its `ApiUse`, in `parts/`.
"""

_NOT_ASSUMED: Final = (
    "let the role's trust policy name the operator's identity and the external id, "
    "and let that identity assume the role"
)
_NO_CREDENTIALS: Final = "the operator has no AWS credentials; give its ServiceAccount a role"

_NO_ANSWER: Final = (boto.ConnectionError, boto.HTTPClientError, boto.ConnectionClosedError)
_UNUSABLE: Final = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
)


def code_of(exc: ClientError) -> str:
    """AWS's error code of an answer, such as `NoSuchBucket`."""
    return exc.response.get("Error", {}).get("Code", "Unknown")


@contextmanager
def tolerate(*codes: str) -> Iterator[None]:
    """An answer with one of these codes counts as success."""
    try:
        yield
    except ClientError as exc:
        if code_of(exc) not in codes:
            raise


def classify(
    exc: Exception, product: Codes, account: Account, now: datetime | None = None
) -> AwsError:
    """The meaning of an exception from a call for `product` in `account`.

    Throttling is looked for first, then a wrong clock, then codes to wait for, then codes that
    stall. An unknown code is a WaitError with HTTP status 5xx, else a RetryError. `now` is the time
    by our clock; None: this moment.
    """
    where = f"AWS account {account.account_id}, {account.region}"
    if isinstance(exc, ClientError):
        return _classify_answer(exc, product, where, now or datetime.now(UTC))
    if not isinstance(exc, boto.BotoCoreError):
        # For example an unreadable token, or a bug of ours: the log has the traceback.
        code = type(exc).__name__
        what = f"{product.type_name} in {where}: {code}: {exc}"
        return RetryError(f"{what}; it is tried again, see the operator's log", code=code)
    code = type(exc).__name__.removesuffix("Error")
    if isinstance(exc, _NO_ANSWER):
        clock = f"{CLOCK}, or " if names_the_clock(str(exc)) else ""
        return UnreachableError(
            f"no answer from {where}: {exc}; {clock}check the network and endpointUrl, "
            "it is tried again by itself",
            code=code,
        )
    if isinstance(exc, _UNUSABLE):
        remedy = CLOCK if names_the_clock(str(exc)) else _NO_CREDENTIALS
        return StalledError(f"{where} can't be used: {exc}; {remedy}", code=code)
    if isinstance(exc, boto.ParamValidationError):
        return StalledError(f"{product.type_name} in {where}: {exc}; {PARAMETER}", code=code)
    return RetryError(f"{product.type_name} in {where}: {exc}; it is tried again", code=code)


def _classify_answer(exc: ClientError, product: Codes, where: str, now: datetime) -> AwsError:
    error = exc.response.get("Error", {})
    code = code_of(exc)
    operation = exc.operation_name
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    what = f"{operation} in {where} failed with {code}: {error.get('Message', '')}".rstrip(": ")
    if code in _THROTTLE_CODES:
        message = f"{what}; it is tried again with fewer calls"
        return ThrottledError(message, code=code, operation=operation)
    clock = remedy_for_skew(exc.response, now)
    if clock:
        return StalledError(f"{what}; {clock}", code=code, operation=operation)
    if code in _WAIT_CODES or code in product.wait_codes:
        return WaitError(f"{what}; it is tried again", code=code, operation=operation)
    if operation.startswith("AssumeRole") and code in _STALL_CODES:
        return StalledError(f"{what}; {_NOT_ASSUMED}", code=code, operation=operation)
    if code in _STALL_CODES:
        return StalledError(f"{what}; {_STALL_CODES[code]}", code=code, operation=operation)
    if code in product.stall_codes:
        remedy = product.stall_codes[code]
        return StalledError(f"{what}; {remedy}", code=code, operation=operation)
    if status >= 500:
        return WaitError(f"{what}; it is tried again", code=code, operation=operation)
    return RetryError(f"{what}; it is tried again", code=code, operation=operation)
