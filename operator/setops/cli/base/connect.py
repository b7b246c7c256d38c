"""The connection to the API server, and plain messages for what can go wrong with it."""

from __future__ import annotations

import ssl

from setops.api.errors import Code, Problem, Validator
from setops.api.kinds import GROUP, Kind
from setops.cli.base.streams import OutputError, environment
from setops.kube.access import ClusterAccess, KubeconfigError
from setops.kube.client import Client
from setops.kube.errors import (
    ApiError,
    Forbidden,
    NotFound,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from setops.kube.kubeconfig import target
from setops.kube.light import LightTransport
from setops.kube.login import LoginError, credentials

CONTEXT: str = "SETOPS_CONTEXT"


def connect(context: str) -> tuple[Client, ClusterAccess]:
    """A client for the cluster chosen by --context, the environment or `setops login`.

    Sends nothing yet. Raises KubeconfigError and LoginError.
    """
    from setops.cli.base.settings import settings

    chosen = target(context or environment().get(CONTEXT, "") or settings().context)
    return Client(LightTransport(chosen, credentials(chosen))), chosen


def problem_of(error: Exception) -> Problem:
    """What a connection error means for the user, and what to do about it."""
    match error:
        case KubeconfigError():
            return _problem(Code.CREDENTIALS_INVALID, str(error))
        case LoginError():
            return _problem(
                Code.SESSION_INVALID, f"you can't be logged in: {error}; log in again and retry"
            )
        case Unauthorized():
            return _problem(
                Code.SESSION_INVALID,
                "the cluster doesn't accept your login any more: it has expired, or it is for "
                "another cluster; log in again (setops login:info shows how you log in)",
            )
        case Forbidden():
            return _problem(Code.INSUFFICIENT_PRIVILEGES, _forbidden(error))
        case NotFound() if is_uninstalled(error):
            return _problem(
                Code.SERVER_FAILURE,
                f"SetOps isn't installed in this cluster: it doesn't know {GROUP}; install the "
                "chart, or choose another cluster (setops login)",
            )
        case TooManyRequests():
            return _problem(Code.OVERLOAD, "the cluster is overloaded; wait a moment and try again")
        case Unavailable():
            return _problem(Code.SERVER_FAILURE, _unreachable(error))
        case ApiError():
            return _problem(Code.VALIDATION_FAILED, error.message)
        case OutputError():
            return _problem(
                Code.SERVER_FAILURE,
                f"standard output can't be written: {error}; mend that. What the command did up to "
                "then holds, and a commit that has begun goes on (setops changeset:info)",
            )
        case OSError():
            return _problem(Code.SERVER_FAILURE, _refused_by_system(error))
        case _:
            return _problem(
                Code.SERVER_FAILURE,
                f"setops has a bug: {type(error).__name__}: {error}; --debug shows where",
            )


def _refused_by_system(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return (
        f"the operating system refuses something: {where}{error.strerror or error}; mend that and "
        "retry (--debug shows where it was needed)"
    )


def is_uninstalled(error: ApiError) -> bool:
    """Whether the API server doesn't know the kind at all, rather than the object."""
    kind = error.target if isinstance(error.target, Kind) else getattr(error.target, "kind", None)
    ours = isinstance(kind, Kind) and kind.group == GROUP
    return isinstance(error, NotFound) and ours and error.reason != "NotFound"


def _problem(code: Code, message: str) -> Problem:
    return Problem("", Validator.INVALID, message, code)


def _forbidden(error: Forbidden) -> str:
    message = error.message
    if "ValidatingAdmissionPolicy" in message:
        # The policy's message is written for users.
        return message.partition("denied request: ")[2] or message
    said = message.partition("is forbidden: ")[2] or message
    return f"you lack the rights for that: {said}; ask an admin of the Project for them"


def _unreachable(error: Unavailable) -> str:
    cause = error.__cause__
    if error.status:
        return f"the cluster can't answer right now (HTTP {error.status}): {error.message}"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"the cluster's certificate isn't trusted ({cause.verify_message}); the kubeconfig "
            "belongs to another cluster, or is out of date"
        )
    why = (cause.strerror if isinstance(cause, OSError) else None) or error.message
    return (
        f"the cluster can't be reached: {why}; check the network or VPN, and the server "
        "that setops login:info shows"
    )
