"""Versions as users and AWS name them: the one place that reads and compares them. Pure.

AWS's names differ by engine, and its own releases have suffixes:

    16.4  16.x  10.6.14                      what users write, and most engines
    13.22-rds.20260224  5.7.44-RDS.20240808  Extended Support
    8.0.mysql_aurora.3.04.0                  Aurora
    19.0.0.0.ru-2023-10.rur-2023-10.r1       Oracle
    15.00.4345.5.v1  11.5.9.0.sb00000000.r1  SQL Server, Db2
    OpenSearch_2.11  Elasticsearch_7.10      OpenSearch Service
    16Beta1  17rc1  17-beta1                 previews
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Final, Self

_NAME: Final = re.compile(
    r"(?P<engine>[a-z]+[_ -])?(?P<numbers>[0-9]+(?:\.[0-9]+)*)(?P<patch>.*)",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST: Final = 128
_ANY: Final = re.compile(r"(\.x)+", re.IGNORECASE)
"""The rest of `16.x`: any minor version."""
_WORDS: Final = re.compile(r"[0-9]+|[a-z]+", re.IGNORECASE)
_PREVIEWS: Final = frozenset({"alpha", "beta", "rc", "preview"})
_SUCCESSORS: Final = frozenset({"opensearch", "valkey"})
"""Engines that follow another one, with numbers that begin anew."""

_Word = tuple[int, str]


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class EngineVersion:
    """A version: the numbers that it begins with, and what follows them.

    `16`, `16.0` and `16.x` have the same place in the order; a release with a suffix comes after
    the one without, and a preview before it. Only two versions of one engine can be compared.
    """

    numbers: tuple[int, ...]
    patch: tuple[_Word, ...] = ()
    engine: str = ""

    @classmethod
    def find(cls, text: str) -> Self | None:
        """The version that a text names; None if it names none."""
        found = _NAME.fullmatch(text) if len(text) <= _LONGEST else None
        if found is None:
            return None
        numbers = tuple(int(number) for number in found["numbers"].split("."))
        patch = "" if _ANY.fullmatch(found["patch"]) else found["patch"]
        words = tuple(
            (int(word), "") if word.isdigit() else (-1, word.lower())
            for word in _WORDS.findall(patch)
        )
        return cls(numbers, words, (found["engine"] or "").rstrip("_ -").lower())

    @classmethod
    def parse(cls, text: str) -> Self:
        """The version that a text names. Raises ValueError if it names none."""
        found = cls.find(text)
        if found is None:
            raise ValueError(f"{text!r} is no version that we can read")
        return found

    @property
    def major(self) -> int:
        """The first number."""
        return self.numbers[0]

    @property
    def is_preview(self) -> bool:
        """Whether it comes before the release of that number."""
        return bool(self.patch) and self.patch[0][1] in _PREVIEWS

    def is_of(self, wish: EngineVersion) -> bool:
        """Whether it is a version that a wish names: `16.4` is one of `16`, but not of `16.3`."""
        named = self.patch == wish.patch if wish.patch else not self.is_preview
        return named and self._first(wish) == wish.numbers

    def reaches(self, wish: EngineVersion) -> bool:
        """Whether it is of the wished major version, and of the wished minor one or a newer one."""
        if self.major != wish.major or self.engine != wish.engine != "":
            return False
        first = self._first(wish)
        return first > wish.numbers or self.is_of(wish) or (first == wish.numbers and self > wish)

    def __lt__(self, other: EngineVersion) -> bool:
        return self._key < other._key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EngineVersion) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def _first(self, wish: EngineVersion) -> tuple[int, ...]:
        """As many numbers as a wish has; what isn't named is 0."""
        count = len(wish.numbers)
        return (*self.numbers, *(0 for _ in range(count - len(self.numbers))))[:count]

    @property
    def _key(self) -> tuple[bool, tuple[int, ...], int, tuple[_Word, ...]]:
        numbers = self.numbers
        while numbers and not numbers[-1]:
            numbers = numbers[:-1]
        return self.engine in _SUCCESSORS, numbers, 0 if self.is_preview else 1, self.patch
