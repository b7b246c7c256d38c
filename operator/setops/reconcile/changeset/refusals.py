"""What the API server refuses, collected so that a user sees all of it at once."""

from __future__ import annotations

from collections.abc import Sequence

from setops.api.errors import Code, Problem, Validator
from setops.changes.diff import Change
from setops.kube.errors import ApiError
from setops.reconcile.changeset.job import FailedError, named, summary
from setops.reconcile.changeset.writes import EditedError
from setops.reconcile.report import Stalled


def raise_refusals(results: Sequence[tuple[Change, BaseException | None]]) -> None:
    """Raise FailedError with everything that was refused; re-raise any other error as it is."""
    # Other errors come first. A write that failed that way may have taken effect all the same, and
    # a rollback that didn't know would leave it behind. A refusal will come again anyway.
    for _, error in results:
        if error is not None and not _is_refusal(error):
            raise error
    refusals = [
        Problem(
            change.section.path(change.name),
            Validator.INVALID,
            f"{named(change)}: {error.message if isinstance(error, ApiError) else error}",
            Code.CHANGESET_INVALID,
        )
        for change, error in results
        if error is not None
    ]
    if refusals:
        unique = list(dict.fromkeys(refusals))
        raise FailedError(summary(unique), unique)


def _is_refusal(error: BaseException) -> bool:
    if isinstance(error, ApiError):
        return not error.transient
    return isinstance(error, EditedError | Stalled)
