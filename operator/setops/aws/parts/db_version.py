"""Which version of its engine an RDS instance has, and to which AWS leads from there.

Source of what leads where: the API reference (DescribeDBEngineVersions, ModifyDBInstance).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from setops.api.catalogue import version_numbers
from setops.aws.errors import StalledError
from setops.aws.observation import Found
from setops.aws.part import Field

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient


VERSION: Final = "instance.version"
ASKED: Final = "instance.versionAskedFor"
TAG_UPGRADE: Final = "setops:upgrade"
"""Tag that tells which `Upgrade` AWS was last asked for; `NO_UPGRADE` once nobody wants it."""
NO_UPGRADE: Final = "none"

_BEGINS: Final = timedelta(minutes=10)
"""Within which AWS shows that it has begun with what it was asked for."""
_PAUSE: Final = timedelta(hours=1)
"""After which it is asked once more: each time it tries, the database may be away for minutes."""


@dataclass(frozen=True, slots=True)
class DbEngine:
    """A database engine: RDS's name of it, that which users know, and our major versions of it."""

    name: str
    title: str
    majors: Collection[str]


@dataclass(frozen=True, slots=True)
class VersionWish:
    """A version as the Service has it, `16` or `16.4`; None means whichever there is.

    `ceiling`: a newer major version up to this one stays.
    """

    engine: DbEngine
    version: str | None
    ceiling: str | None = None

    def keeps(self, actual: str) -> bool:
        """Whether a newer version than is wanted stays: a commit that was rolled back may have
        brought it in, or one on the way to it."""
        if self.ceiling is None or not is_newer(actual, self.version):
            return False
        return not is_newer(actual, self.ceiling)

    def reached_by(self, actual: str) -> bool:
        """Whether an instance of this version is as wanted."""
        return self.version is None or is_met(actual, self.version) or self.keeps(actual)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What AWS was last asked for, as an instance's tag tells: `16.10 from 15.4 at` a time."""

    to: str
    there: str
    at: datetime

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for a text that says no such thing, with a time in UTC."""
        found = re.fullmatch(r"(\d[\d.]*) from (\d[\d.]*) at (\S+)", text)
        if found is None:
            return None
        try:
            at = datetime.fromisoformat(found[3])
        except ValueError:
            return None
        return cls(found[1], found[2], at) if at.tzinfo else None

    def __str__(self) -> str:
        return f"{self.to} from {self.there} at {self.at.isoformat(timespec='seconds')}"

    def later(self, there: str, wanted: str, now: datetime) -> str:
        """That it has yet to begin; empty when it has, or is something else than is wanted."""
        if not self._is_that(there, wanted) or not timedelta() <= now - self.at < _BEGINS:
            return ""
        return f"AWS was asked for version {self.to} at {_time(self.at)}, and has yet to begin"

    def refusal(self, there: str, wanted: str, now: datetime) -> str:
        """That AWS gave it up a while ago; empty when it didn't, or may be asked again."""
        if not self._is_that(there, wanted) or not _BEGINS <= now - self.at < _PAUSE:
            return ""
        return (
            f"AWS was asked at {_time(self.at)} to upgrade it from version {there} to {self.to}, "
            "and has given that up; the instance's events at RDS say why. It is asked again at "
            f"{_time(self.at + _PAUSE)}, and at once when version was set back to "
            f"{major_of(there)} in between"
        )

    def _is_that(self, there: str, wanted: str) -> bool:
        return self.there == there and is_met(self.to, wanted)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M} UTC"


def major_of(version: str) -> str:
    return version.split(".")[0]


def is_newer(actual: str, wanted: str | None) -> bool:
    """Whether it has a newer major version than is wanted; no version goes back."""
    return wanted is not None and version_numbers(actual)[0] > version_numbers(wanted)[0]


def is_met(actual: str, wanted: str) -> bool:
    """Whether a version is as wanted; AWS may have brought in a newer minor one by itself."""
    there, asked = version_numbers(actual), version_numbers(wanted)
    return there[: len(asked)] >= asked and there[0] == asked[0]


def version_of(found: Found, wanted: str | None = None) -> str:
    """The version that an instance has, or is on the way to.

    One that is still pending, and newer than what is `wanted`, is called off and doesn't count.
    """
    there: str = found["EngineVersion"]
    pending: str | None = found.get("PendingModifiedValues", {}).get("EngineVersion")
    if pending is None or (is_newer(pending, wanted) and not is_newer(there, wanted)):
        return there
    return pending


def version_fields(
    found: Found, actual: str, wish: VersionWish, asked: str, now: datetime
) -> Iterator[Field]:
    """The version, of an instance that has `actual` or is on the way to it, and what the tag about
    the last upgrade says, which is `asked`."""
    there, upgrade = found["EngineVersion"], Upgrade.parse(asked)
    if wish.version is None or wish.reached_by(actual):
        yield Field(VERSION, actual, actual)
        if upgrade and upgrade.there == there == actual:
            yield Field(ASKED, NO_UPGRADE, upgrade.to)
        return
    refusal = later = ""
    # A newer one that is only pending can be called off.
    if is_newer(there, wish.version):
        refusal = (
            f"it has version {there}, and {wish.engine.title} can't go back; set version to "
            f"{major_of(there)}"
        )
    elif upgrade:
        refusal = upgrade.refusal(there, wish.version, now)
        later = upgrade.later(there, wish.version, now)
    yield Field(VERSION, wish.version, actual, {"AllowMajorVersionUpgrade": True}, refusal, later)


def to_ask_for(rds: RDSClient, there: str, wish: VersionWish) -> str:
    """The newest version of what is wanted that AWS leads to; for `16` alone AWS would take a
    default, which may be none that can be reached from here.

    Raises StalledError when AWS doesn't lead to it; that names the newest version of each of our
    major versions to which it does.
    """
    wanted, engine = wish.version or there, wish.engine
    if is_met(there, wanted):
        return there
    asked = version_numbers(wanted)
    targets = [
        target["EngineVersion"]
        for each in _described(rds, engine, there)
        for target in each.get("ValidUpgradeTarget", [])
    ]
    fitting = [each for each in targets if version_numbers(each)[: len(asked)] == asked]
    if targets and not fitting:
        known = [
            each
            for each in targets
            if major_of(each) in engine.majors and version_numbers(each)[0] <= asked[0]
        ]
        others = ", ".join(_newest(known)) or major_of(there)
        others = f"one of {others}" if known[1:] else others
        raise StalledError(
            f"AWS doesn't upgrade {engine.title} {there} to {wanted} in one step; set version to "
            f"{others}"
            if list(_described(rds, engine, wanted))
            else f"AWS has no {engine.title} {wanted}; set version to {others}",
            code="InvalidUpgradeTarget",
            operation="ModifyDBInstance",
        )
    # Where AWS lists nothing, it says itself what is wrong with the version.
    return max(fitting, key=version_numbers, default=wanted)


def _described(rds: RDSClient, engine: DbEngine, version: str) -> Iterable[Found]:
    """What AWS knows of a version, also of one that it no longer offers; nothing if there is none.

    A major version alone stands for its minor ones.
    """
    known = rds.describe_db_engine_versions(
        Engine=engine.name, EngineVersion=version, IncludeAll=True
    )
    return known["DBEngineVersions"]


def _newest(versions: Iterable[str]) -> Iterable[str]:
    """The newest of each major version, oldest first."""
    newest: dict[str, str] = {}
    for each in sorted(versions, key=version_numbers):
        newest[major_of(each)] = each
    return newest.values()
