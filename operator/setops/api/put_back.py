"""The version of a Service that a rollback has put back: AWS may have brought in the newer one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from setops.api.catalogue import version_numbers


@dataclass(frozen=True, slots=True)
class PutBack:
    """`version` stands in the spec again, in the place of `taken`, which has a newer major one.

    As text, `15 from 16.4`.
    """

    version: str
    taken: str

    @classmethod
    def of(cls, version: str | None, taken: str | None) -> Self | None:
        """None where no version was taken back, or one that is of the same major version."""
        if version is None or taken is None or _major(taken) <= _major(version):
            return None
        return cls(version, taken)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for a text that says no such thing."""
        found = re.fullmatch(r"(\S+) from (\S+)", text)
        return cls.of(found[1], found[2]) if found else None

    def __str__(self) -> str:
        return f"{self.version} from {self.taken}"

    def covers(self, actual: str) -> bool:
        """Whether a version may have been brought in by what was taken back.

        Not only that itself: on the way to it an earlier Changeset may have ended halfway.
        """
        return _major(self.version) < _major(actual) <= _major(self.taken)


def _major(version: str) -> tuple[int, ...]:
    return version_numbers(version)[:1]
