"""The version that a rollback has restored while AWS may have upgraded to the newer one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from setops.api.catalogue import version_numbers


@dataclass(frozen=True, slots=True)
class PutBack:
    """`version` is back in the spec in place of `taken`, whose major version is newer.

    As text: `15 from 16.4`.
    """

    version: str
    taken: str

    @classmethod
    def of(cls, version: str | None, taken: str | None) -> Self | None:
        """None if no version was replaced, or if the major version is the same."""
        if version is None or taken is None or _major(taken) <= _major(version):
            return None
        return cls(version, taken)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for text of any other form."""
        found = re.fullmatch(r"(\S+) from (\S+)", text)
        return cls.of(found[1], found[2]) if found else None

    def __str__(self) -> str:
        return f"{self.version} from {self.taken}"

    def covers(self, actual: str) -> bool:
        """Whether AWS may have got this version from the upgrade that was reverted.

        That includes versions on the way to it, where an earlier Changeset may have stopped.
        """
        return _major(self.version) < _major(actual) <= _major(self.taken)


def _major(version: str) -> tuple[int, ...]:
    return version_numbers(version)[:1]
