"""The rights that the operator needs at AWS, and no others; `python -m setops.aws.policy DIRECTORY`
writes them as `aws-policy.json` with a page about access, `aws-access.md`.

What each right is for stands beside the part that needs it. Source of what each IAM action takes as
resource and as condition key: the Service Authorization Reference of AWS. Where tags can't be asked
for, names are: all that the operator makes begins with `setops-`. Tests hold the statements against
every call that this package makes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from setops.aws.api_use import Statement
from setops.aws.clients import STS
from setops.aws.policy_page import page
from setops.aws.products import PRODUCTS

ACCOUNT_STATEMENTS: Final = tuple(
    {each.sid: each for product in PRODUCTS.products for each in product.statements}.values()
)
"""What the role in an account may do, or the operator's own identity in its own account: what each
product needs, and once what several need."""

IDENTITY_STATEMENTS: Final = STS.statements
"""What the operator's own identity may do."""

_USES: Final = (*PRODUCTS.uses, STS)


def actions(client: str, operation: str) -> tuple[str, ...]:
    """The IAM actions that an API operation needs: `s3` and `ListBuckets`, for example."""
    own = (f"{client}:{operation}",)
    known = (use.actions.get(operation) for use in _USES if use.client == client)
    return next((each for each in known if each is not None), own)


def granted() -> frozenset[str]:
    """All actions of the tables."""
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
