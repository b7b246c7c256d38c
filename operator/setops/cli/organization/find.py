"""Finds the Organization that a command is about."""

from __future__ import annotations

from setops.api.errors import Code, Validator, nearest, quoted
from setops.api.kinds import ORGANIZATION, Object
from setops.cli.base.problems import failure
from setops.cli.base.session import Session


def only(session: Session) -> str:
    """The name of the Organization, if there is exactly one. Raises ProblemsError otherwise."""
    known = [str(item["metadata"]["name"]) for item in session.cluster.list(ORGANIZATION)]
    if len(known) == 1:
        return known[0]
    if not known:
        raise failure(
            Code.ORGANIZATION_DOES_NOT_EXIST,
            "there is no Organization yet; a cluster administrator creates one with kubectl",
            Validator.NOT_FOUND,
        )
    raise failure(
        Code.VALIDATION_FAILED,
        f"there are several Organizations; write --organization with one of: {', '.join(known)}, "
        "or choose one for good: setops organization:switch",
        Validator.REQUIRED,
        "--organization",
    )


def named(session: Session, name: str, field: str = "NAME") -> Object:
    """The Organization of that name. Raises ProblemsError with OrganizationDoesNotExist."""
    found = session.cluster.find(ORGANIZATION, "", name)
    if found is not None:
        return found
    known = [str(item["metadata"]["name"]) for item in session.cluster.list(ORGANIZATION)]
    guess = nearest(name, known)
    hint = f"did you mean {quoted(guess)}?" if guess else f"there are: {', '.join(known) or 'none'}"
    raise failure(
        Code.ORGANIZATION_DOES_NOT_EXIST,
        f"Organization {quoted(name)} doesn't exist; {hint}",
        Validator.NOT_FOUND,
        field,
    )
