"""Whether a policy allows a call: the part of IAM's evaluation that the operator's policy uses.

Source: the IAM User Guide, "Policy evaluation logic" and "Condition operators". What a statement
uses beyond that raises, so that no condition is passed over. The emulator looks at no tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Policy = Mapping[str, Any]
"""A policy as IAM's JSON."""


@dataclass(frozen=True)
class Call:
    """One call at one resource, as IAM sees it.

    `tags` are those of the resource before the call, None where AWS doesn't look at them. `given`
    are the tags that the call itself brings, and `keys` further keys of its context.
    """

    action: str
    resource: str
    tags: Mapping[str, str] | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    def context(self) -> dict[str, list[str]]:
        """The values of each condition key that the request has."""
        shown = self.tags or {}
        own = "s3:BucketTag" if self.action.startswith("s3:") else "aws:ResourceTag"
        return {
            **{f"{own}/{key}": [value] for key, value in shown.items()},
            **{f"aws:ResourceTag/{key}": [value] for key, value in shown.items()},
            **{f"aws:RequestTag/{key}": [value] for key, value in self.given.items()},
            **({"aws:TagKeys": list(self.given)} if self.given else {}),
            **{key: [value] for key, value in self.keys.items()},
        }


def allows(policy: Policy, call: Call) -> bool:
    """Whether any statement allows it. The policy has no statements that deny."""
    return any(_applies(statement, call) for statement in policy["Statement"])


def _applies(statement: Mapping[str, Any], call: Call) -> bool:
    unknown = statement.keys() - {"Sid", "Effect", "Action", "Resource", "Condition"}
    assert statement["Effect"] == "Allow", statement
    assert not unknown, unknown
    context = call.context()
    return (
        call.action in statement["Action"]
        and any(_like(pattern, call.resource) for pattern in statement["Resource"])
        and all(
            _holds(operator, _listed(wanted), context.get(key))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _holds(operator: str, wanted: Sequence[str], found: Sequence[str] | None) -> bool:
    base = operator.removesuffix("IfExists")
    every = base.startswith("ForAllValues:")
    matches = _OPERATORS[base.removeprefix("ForAllValues:")]
    if found is None:
        # A key that the request lacks fulfils "all of its values", and what ends in IfExists.
        return every or base != operator
    assert every or len(found) == 1, "a key with several values needs ForAllValues or ForAnyValue"
    return all(any(matches(pattern, value) for pattern in wanted) for value in found)


def _like(pattern: str, value: str) -> bool:
    parts = (re.escape(each) for each in pattern.split("*"))
    assert "?" not in pattern
    return re.fullmatch(".*".join(parts), value) is not None


_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda pattern, value: pattern == value,
    "StringLike": _like,
    "Bool": lambda pattern, value: pattern.lower() == value.lower(),
}


def _listed(wanted: str | Sequence[str]) -> Sequence[str]:
    return [wanted] if isinstance(wanted, str) else wanted
