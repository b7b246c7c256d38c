"""The engine version of an RDS instance, and the versions to which AWS can upgrade it.

Source of the upgrade paths: the API reference (DescribeDBEngineVersions, ModifyDBInstance).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from setops.api.engine_version import EngineVersion
from setops.aws.asked_again import BEGINS, PAUSE, time_of_day
from setops.aws.errors import StalledError
from setops.aws.identity import TAG_PREFIX
from setops.aws.observation import Found
from setops.aws.part import Field

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient


VERSION: Final = "instance.version"
ASKED: Final = "instance.versionAskedFor"
TAG_UPGRADE: Final = f"{TAG_PREFIX}upgrade"
"""The tag for the `Upgrade` last asked for. It is `NO_UPGRADE` once that isn't wanted any more."""
NO_UPGRADE: Final = "none"


@dataclass(frozen=True, slots=True)
class DbEngine:
    """A database engine: RDS's name for it, the users' name, and the major versions we support."""

    name: str
    title: str
    majors: Collection[str]


@dataclass(frozen=True, slots=True)
class VersionWish:
    """A version as the Service's spec has it, `16` or `16.4`; None: whichever the instance has.

    `ceiling`: a newer major version up to this one stays.
    """

    engine: DbEngine
    version: str | None
    ceiling: str | None = None

    def keeps(self, actual: str) -> bool:
        """Whether a version stays although it is newer than wanted.

        A commit that was rolled back may have asked for it, or for one beyond it.
        """
        if self.ceiling is None or not is_newer(actual, self.version):
            return False
        return not is_newer(actual, self.ceiling)

    def reached_by(self, actual: str) -> bool:
        """Whether an instance of this version is as wanted."""
        return self.version is None or is_met(actual, self.version) or self.keeps(actual)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The upgrade last asked for, as in the instance's tag: `16.10 from 15.4 at` a time."""

    to: str
    there: str
    at: datetime

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The upgrade that the tag names. None for any other text, or a time without a zone."""
        found = re.fullmatch(r"(\S+) from (\S+) at (\S+)", text)
        if found is None or not all(map(EngineVersion.find, found.groups()[:2])):
            return None
        try:
            at = datetime.fromisoformat(found[3])
        except ValueError:
            return None
        return cls(found[1], found[2], at) if at.tzinfo else None

    def __str__(self) -> str:
        return f"{self.to} from {self.there} at {self.at.isoformat(timespec='seconds')}"

    def later(self, there: str, wanted: str, now: datetime) -> str:
        """A message if AWS hasn't started the upgrade yet.

        Empty if it has, or if another version is wanted.
        """
        if not self._is_that(there, wanted) or not timedelta() <= now - self.at < BEGINS:
            return ""
        return (
            f"AWS was asked for version {self.to} at {time_of_day(self.at)}, and has yet to begin"
        )

    def refusal(self, there: str, wanted: str, now: datetime) -> str:
        """A message if AWS has given the upgrade up and isn't to be asked again yet; else empty."""
        if not self._is_that(there, wanted) or not BEGINS <= now - self.at < PAUSE:
            return ""
        return (
            f"AWS was asked at {time_of_day(self.at)} to upgrade it from version {there} to "
            f"{self.to}, and has given that up; the instance's events at RDS say why. It is asked "
            f"again at {time_of_day(self.at + PAUSE)}; to ask at once, set version back to "
            f"{major_of(there)} first"
        )

    def _is_that(self, there: str, wanted: str) -> bool:
        return self.there == there and is_met(self.to, wanted)


def major_of(version: str) -> str:
    """The major version, as families of parameter groups and users name it."""
    return str(EngineVersion.parse(version).major)


def is_newer(actual: str, wanted: str | None) -> bool:
    """Whether the major version is newer than the wanted one. AWS never goes back to an older."""
    if wanted is None:
        return False
    return EngineVersion.parse(actual).major > EngineVersion.parse(wanted).major


def is_met(actual: str, wanted: str) -> bool:
    """Whether a version is as wanted. AWS may have installed a newer minor one by itself."""
    return EngineVersion.parse(actual).reaches(EngineVersion.parse(wanted))


def version_of(found: Found, wanted: str | None = None) -> str:
    """The version that an instance has or is being upgraded to.

    A pending version newer than the `wanted` one doesn't count, since it is called off.
    """
    there: str = found["EngineVersion"]
    pending: str | None = found.get("PendingModifiedValues", {}).get("EngineVersion")
    if pending is None or (is_newer(pending, wanted) and not is_newer(there, wanted)):
        return there
    return pending


def version_fields(
    found: Found, actual: str, wish: VersionWish, asked: str, now: datetime
) -> Iterator[Field]:
    """The version of an instance, and the tag about the last upgrade.

    `actual` is the version that it has or is being upgraded to, `asked` the value of the tag.
    """
    there, upgrade = found["EngineVersion"], Upgrade.parse(asked)
    if wish.version is None or wish.reached_by(actual):
        yield Field(VERSION, actual, actual)
        if upgrade and upgrade.there == there == actual:
            yield Field(ASKED, NO_UPGRADE, upgrade.to)
        return
    refusal = later = ""
    # A newer version that is only pending can be called off.
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
    """The newest version that matches the wish and that AWS can upgrade to.

    Asked for just `16`, AWS would pick its default, which may not be reachable. Raises StalledError
    if no version matches. It names the newest reachable version of each major version we support.
    """
    wanted, engine = wish.version or there, wish.engine
    if is_met(there, wanted):
        return there
    asked = EngineVersion.parse(wanted)
    named = [
        target["EngineVersion"]
        for each in _described(rds, engine, there)
        for target in each.get("ValidUpgradeTarget", [])
    ]
    # A name that we can't read is none that we could ask for.
    targets = {name: version for name in named if (version := EngineVersion.find(name))}
    fitting = [name for name, version in targets.items() if version.is_of(asked)]
    if targets and not fitting:
        known = [
            name
            for name, version in targets.items()
            if str(version.major) in engine.majors and version.major <= asked.major
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
    # If AWS lists nothing, its answer to the upgrade call will say what is wrong with the version.
    return max(fitting, key=EngineVersion.parse, default=wanted)


def _described(rds: RDSClient, engine: DbEngine, version: str) -> Iterable[Found]:
    """AWS's description of a version, even if it is no longer offered. Empty for an unknown one.

    For a major version alone, the descriptions of all its minor ones.
    """
    known = rds.describe_db_engine_versions(
        Engine=engine.name, EngineVersion=version, IncludeAll=True
    )
    return known["DBEngineVersions"]


def _newest(versions: Iterable[str]) -> Iterable[str]:
    """The newest of each major version, oldest first."""
    newest: dict[str, str] = {}
    for each in sorted(versions, key=EngineVersion.parse):
        newest[major_of(each)] = each
    return newest.values()
