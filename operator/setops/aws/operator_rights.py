"""The rights that the operator needs at AWS, and no others.

`python -m setops.aws.operator_rights DIRECTORY` writes them as `aws-policy.json`, with a page about
access, `aws-access.md`.

Each part declares the rights that it needs, and why, in its `ApiUse`. Source of the resources and
condition keys that an IAM action supports: the Service Authorization Reference of AWS. If an action
can't be bound to our tags, it is bound to names: those of our resources begin with `setops-`. Tests
compare the statements with every call that this package makes.

An App's own rights in its bucket are in `products/s3`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from setops.aws.api_use import Statement
from setops.aws.clients import STS
from setops.aws.operator_rights_page import page
from setops.aws.products import PRODUCTS

ACCOUNT_STATEMENTS: Final = tuple(
    {each.sid: each for product in PRODUCTS.products for each in product.statements}.values()
)
"""What the operator may do in an account: all that its products need. A statement that several
products need is there once."""

IDENTITY_STATEMENTS: Final = STS.statements
"""What the operator's own identity may do: assume those roles."""

_USES: Final = (*PRODUCTS.uses, STS)


def actions(client: str, operation: str) -> tuple[str, ...]:
    """The IAM actions that an API operation needs: `s3` and `ListBuckets`, for example."""
    own = (f"{client}:{operation}",)
    known = (use.actions.get(operation) for use in _USES if use.client == client)
    return next((each for each in known if each is not None), own)


def granted() -> frozenset[str]:
    """All actions that the statements allow."""
    every = (*ACCOUNT_STATEMENTS, *IDENTITY_STATEMENTS)
    return frozenset(action for statement in every for action in statement.actions)


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """Statements as a policy in IAM's JSON."""
    return {"Version": "2012-10-17", "Statement": [_rendered(each) for each in statements]}


def _rendered(statement: Statement) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Sid": statement.sid,
        "Effect": "Allow",
        "Action": list(statement.actions),
        "Resource": list(statement.resources),
    }
    return {**made, "Condition": statement.conditions} if statement.conditions else made


def documents() -> dict[str, str]:
    """The files, by name."""
    purposes = {each.sid: each.purpose for each in ACCOUNT_STATEMENTS}
    return {
        "aws-policy.json": _json(document(ACCOUNT_STATEMENTS)) + "\n",
        "aws-access.md": page(_json(document(IDENTITY_STATEMENTS)), purposes),
    }


def _json(policy: dict[str, Any]) -> str:
    return json.dumps(policy, indent=2)


def write(directory: Path) -> None:
    """Write the files into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        write(Path(argument))
