"""The version that a rollback has restored while AWS may have upgraded to the newer one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from setops.api.engine_version import EngineVersion


@dataclass(frozen=True, slots=True)
class PutBack:
    """`version` is back in the spec in place of `taken`, whose major version is newer.

    As text: `15 from 16.4`.
    """

    version: str
    taken: str

    @classmethod
    def of(cls, version: str | None, taken: str | None) -> Self | None:
        """None if no version was replaced, or by none of a newer major version."""
        older, newer = EngineVersion.find(version or ""), EngineVersion.find(taken or "")
        if version is None or taken is None or older is None or newer is None:
            return None
        return cls(version, taken) if newer.major > older.major else None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for text of any other form."""
        found = re.fullmatch(r"(\S+) from (\S+)", text)
        return cls.of(found[1], found[2]) if found else None

    def __str__(self) -> str:
        return f"{self.version} from {self.taken}"

    def covers(self, actual: str) -> bool:
        """Whether AWS may have got this version from the upgrade that was reverted.

        That includes versions on the way to it, where an earlier Changeset may have stopped. Text
        that names no version is never covered: not every type of Service has one.
        """
        older, newer = EngineVersion.parse(self.version), EngineVersion.parse(self.taken)
        found = EngineVersion.find(actual)
        return found is not None and older.major < found.major <= newer.major
