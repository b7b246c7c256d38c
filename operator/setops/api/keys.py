"""The rules for the keys of an App's maps, shared by the models and the CRDs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from setops.api import names
from setops.api.errors import Problem, Validator, quoted
from setops.api.model import CEL, whole

_MAX_LENGTH: Final = 256


class KeyRefusal(NamedTuple):
    """Why a key is refused."""

    validator: Validator
    message: str


# Compared by identity, since rules are part of a cache's keys.
@dataclass(frozen=True, slots=True, eq=False)
class KeyRule:
    """The rule for the keys of the map `field`.

    `pattern` must match the whole key. Messages call a key `what`, and `form` explains the pattern.
    The platform itself sets `reserved` keys.
    """

    field: str
    pattern: str
    what: str
    form: str
    reserved: tuple[str, ...] = ()

    def refusal(self, key: str) -> KeyRefusal | None:
        """What is wrong with a key, or None."""
        return _refusal(self, key)

    def problem(self, app: str, key: str) -> Problem | None:
        """What is wrong with a key of an App, with the key's path in the definition, or None."""
        refused = self.refusal(key)
        if refused is None:
            return None
        return Problem(f"apps.{app}.{self.field}.{key}", refused.validator, refused.message)

    def rules(self) -> dict[str, Any]:
        """The same rule in CEL, for the map's schema. Its messages name the first bad key."""
        good = f"k.matches({whole(self.pattern)})"
        found = [
            _rule(
                f"self.all(k, {good})",
                f'"{self.what} \'" + self.filter(k, !{good})[0] + "\' is not valid: {self.form}"',
            )
        ]
        if self.reserved:
            among = f"k in {cel_list(self.reserved)}"
            found.append(
                _rule(
                    f"!self.exists(k, {among})",
                    f'"{self.what} \'" + self.filter(k, {among})[0] + "\' {_RESERVED}"',
                )
            )
        return {CEL: found}


_RESERVED: Final = "is reserved by the platform; choose another name"


def cel_list(texts: tuple[str, ...]) -> str:
    """Texts as a list of CEL."""
    return "[" + ", ".join(f"'{text}'" for text in texts) + "]"


def _rule(rule: str, message_expression: str) -> dict[str, str]:
    return {"rule": rule, "messageExpression": message_expression}


# Every change of an App checks all its keys, and nearly all of them are the same as before.
@lru_cache(maxsize=8192)
def _refusal(rule: KeyRule, key: str) -> KeyRefusal | None:
    if len(key) > _MAX_LENGTH or not re.fullmatch(rule.pattern, key):
        message = f"{quoted(key)} is not a valid {rule.what}: {rule.form}"
        return KeyRefusal(Validator.INVALID_FORMAT, message)
    if key in rule.reserved:
        return KeyRefusal(Validator.INCLUDED, f"{rule.what} {quoted(key)} {_RESERVED}")
    return None


ENV_KEYS: Final = KeyRule(
    "env",
    names.ENV_KEY,
    "env key",
    "it begins with a letter or underscore, then letters, digits and underscores, at most 256",
    reserved=names.RESERVED_ENV_KEYS,
)
"""Source of the reserved keys: the platform's App settings."""
LINK_KEYS: Final = KeyRule(
    "links",
    names.SERVICE_NAME.pattern,
    "Service's name",
    "3 to 18 lowercase letters, digits and dashes",
)
RELEASE_KEYS: Final = KeyRule(
    "releases", "[1-9][0-9]{0,8}", "release", "releases are numbered 1, 2, 3 and so on"
)
DOMAIN_KEYS: Final = KeyRule(
    "domains",
    r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
    "domain",
    "write a host name such as www.example.com",
)

APP_KEYS: Final[Mapping[str, KeyRule]] = {
    rule.field: rule for rule in (ENV_KEYS, LINK_KEYS, RELEASE_KEYS, DOMAIN_KEYS)
}
"""The rules by their map's field."""
