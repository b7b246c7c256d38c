"""An RDS database instance: what it should be, and how AWS is asked for it.

Source of limits and of what may be changed when: the Amazon RDS User Guide (modifying and deleting
an instance) and the API reference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from botocore.exceptions import ClientError

from setops.aws.api_use import ApiUse
from setops.aws.clients import AccountClients
from setops.aws.errors import StalledError, WaitError, code_of, tolerate
from setops.aws.observation import Activity, Found, PartStatus
from setops.aws.ownership import tag_list, tags_by_key
from setops.aws.part import Field, Guard
from setops.aws.parts import db_storage
from setops.aws.parts.db_state import FULL, activity_of, allows_snapshot, remedy_for
from setops.aws.parts.db_version import (
    ASKED,
    NO_UPGRADE,
    TAG_UPGRADE,
    VERSION,
    Upgrade,
    VersionWish,
    is_newer,
    major_of,
    to_ask_for,
    version_fields,
    version_of,
)
from setops.aws.parts.rds import API
from setops.aws.parts.security_group import SecurityGroup
from setops.aws.parts.subnet_group import SubnetGroup

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient

PASSWORD: Final = "password"  # noqa: S105
"""The entry of the Secret that holds the password."""

TAG_CREDENTIALS: Final = "setops:credentials"
"""Tag that tells which password an instance has: a fingerprint of it, or `_RELEASED`. AWS tells
nobody."""
_RELEASED: Final = "released"

_CLASS: Final = "instance.class"
_MULTI_AZ: Final = "instance.multiAz"
_BACKUP_DAYS: Final = "instance.backupRetentionDays"
_PROTECTION: Final = "instance.deletionProtection"
_PUBLIC: Final = "instance.publiclyAccessible"
_PASSWORD: Final = "instance.password"  # noqa: S105
_PARAMETER_GROUP: Final = "instance.parameterGroup"
_SECURITY_GROUP: Final = "instance.securityGroup"
_ROOM: Final = "instance.room"

_UNUPGRADED: Final = frozenset(
    {"DBUpgradeDependencyFailure", "InvalidParameterCombination", "InvalidParameterValue"}
)
"""Codes by which AWS refuses a call, it may be for the sake of the version alone."""

_RESTING: Final = "previous storage change is being optimized"
"""What AWS says when it refuses, with a code that also means other things, to change the storage
less than six hours after the last change."""
_REST: Final = 300.0
"""Seconds after which to ask again."""

_Asked = Mapping[str, Mapping[str, Any]]
"""Arguments of ModifyDBInstance, by the path of the field that they set."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an instance should be. Sizes are in GB; `max_storage` of None: it doesn't grow.

    `fixed` are arguments of CreateDBInstance that never change. `final_snapshot` is the name of
    the one that a deletion leaves; None: the data goes for good.
    """

    instance_class: str
    multi_az: bool
    min_storage: int
    max_storage: int | None
    version: VersionWish
    backup_days: int
    parameter_group: str
    password: str | None = field(default=None, repr=False)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    final_snapshot: str | None = None


@dataclass(frozen=True)
class DbInstance(Guard):
    """The instance `id`. `new_password` makes one that nobody knows."""

    kind: ClassVar[str] = "instance"
    label: ClassVar[str] = "RDS instance"
    api: ClassVar[ApiUse] = API

    rds: RDSClient
    wanted: Wanted
    new_password: Callable[[], str]

    @classmethod
    def inventory(cls, clients: AccountClients) -> Mapping[str, Found]:
        rds: RDSClient = clients.client("rds")
        pages = rds.get_paginator("describe_db_instances").paginate()
        instances = (each for page in pages for each in page["DBInstances"])
        return {each["DBInstanceIdentifier"]: each for each in instances}

    def find(self) -> Found | None:
        try:
            found = self.rds.describe_db_instances(DBInstanceIdentifier=self.id)
        except ClientError as exc:
            if code_of(exc) == "DBInstanceNotFound":
                return None
            raise
        return next(iter(found["DBInstances"]), None)

    def tags(self, found: Found) -> Mapping[str, str]:
        return _tags(found)

    def create(self, ids: Mapping[str, str]) -> Found | None:
        """Make the instance as it should be.

        Deletion protection comes when it is ready: until then it holds nothing, and a Changeset
        that is cancelled can be rid of it at once.
        """
        wanted, password = self.wanted, self.wanted.password or ""
        tags = {**self.identity.tags(), TAG_CREDENTIALS: _fingerprint(password)}
        limit = wanted.max_storage
        growth: dict[str, Any] = {"MaxAllocatedStorage": limit} if limit else {}
        with tolerate("DBInstanceAlreadyExists"):
            return self.rds.create_db_instance(
                DBInstanceIdentifier=self.id,
                DBInstanceClass=wanted.instance_class,
                Engine=wanted.version.engine.name,
                EngineVersion=wanted.version.version or "",
                MultiAZ=wanted.multi_az,
                AllocatedStorage=wanted.min_storage,
                BackupRetentionPeriod=wanted.backup_days,
                DBParameterGroupName=wanted.parameter_group,
                DBSubnetGroupName=ids[SubnetGroup.kind],
                VpcSecurityGroupIds=[ids[SecurityGroup.kind]],
                MasterUserPassword=password,
                Tags=tag_list(tags),
                **growth,
                **wanted.fixed,
            )["DBInstance"]
        return None

    def status(self, found: Found) -> PartStatus:
        activity, pending = activity_of(found), ""
        if activity.is_calm and self._is_pending(found):
            activity, pending = Activity.BUSY, "a change is pending"
        endpoint = found.get("Endpoint") or {}
        return PartStatus(
            activity=activity,
            state=found["DBInstanceStatus"],
            pending=pending,
            version=version_of(found),
            remedy=remedy_for(found),
            note="; ".join(self._notes(found)),
            arn=found["DBInstanceArn"],
            # Empty until AWS has given it an address.
            endpoint=f"{endpoint['Address']}:{endpoint['Port']}" if endpoint.get("Address") else "",
        )

    def fields(self, found: Found, ids: Mapping[str, str]) -> Iterable[Field]:
        """Compared with what is, or is on its way."""
        wanted, now = self.wanted, datetime.now(UTC)
        actual = {**found, **found.get("PendingModifiedValues", {})}
        size = wanted.instance_class
        yield Field(_CLASS, size, actual["DBInstanceClass"], {"DBInstanceClass": size})
        standby = bool(actual.get("MultiAZ"))
        yield Field(_MULTI_AZ, wanted.multi_az, standby, {"MultiAZ": wanted.multi_az})
        low, high = wanted.min_storage, wanted.max_storage
        yield from db_storage.storage_fields(found, actual, low, high)
        asked = _tags(found).get(TAG_UPGRADE, "")
        version = [*version_fields(found, actual["EngineVersion"], wanted.version, asked, now)]
        yield from version
        days = actual.get("BackupRetentionPeriod", 0)
        kept = wanted.backup_days
        yield Field(_BACKUP_DAYS, kept, days, {"BackupRetentionPeriod": kept})
        protected = bool(actual.get("DeletionProtection"))
        yield Field(_PROTECTION, True, protected, {"DeletionProtection": True})
        public = bool(actual.get("PubliclyAccessible"))
        yield Field(_PUBLIC, False, public, {"PubliclyAccessible": False})
        yield self._parameter_group(found, actual, version)
        if wanted.password:
            known = self.accepts(found, {PASSWORD: wanted.password})
            argument = {"MasterUserPassword": wanted.password}
            ours = "that of the Secret"
            yield Field(_PASSWORD, ours, ours if known else "another", argument)
        if found["DBInstanceStatus"] == FULL:
            full = "its storage is full; raise options.minStorage"
            yield Field(_ROOM, "some", "none", refusal=full)
        if SecurityGroup.kind in ids:
            group = ids[SecurityGroup.kind]
            attached = {each["VpcSecurityGroupId"] for each in found.get("VpcSecurityGroups", [])}
            shown = ", ".join(sorted(attached)) or "none"
            yield Field(_SECURITY_GROUP, group, shown, {"VpcSecurityGroupIds": [group]})

    def put(self, found: Found, fields: Sequence[Field]) -> None:
        """Ask for all of it in one call, to be done at once.

        If AWS refuses the storage change, the rest is asked for without it; raises WaitError when
        nothing is left. A version that can't be had doesn't block the rest either: raises
        StalledError, or what AWS answered, once all else was asked for. A class comes after the
        version, as the version that is there may not support it, or before it if AWS wants that.
        """
        asked = {each.path: each.argument for each in fields}
        if ASKED in asked:
            self._tag(found, TAG_UPGRADE, NO_UPGRADE)
        if VERSION not in asked:
            self._modify_all(found, asked)
            return
        others = {path: asked[path] for path in asked if path not in (VERSION, _PARAMETER_GROUP)}
        try:
            self._upgrade(found, {path: asked[path] for path in asked if path != _CLASS})
        except StalledError:
            with suppress(WaitError):
                self._modify_all(found, others)
            raise
        except ClientError as exc:
            if code_of(exc) not in _UNUPGRADED:
                raise
            with suppress(WaitError):
                self._modify_all(found, others)
            if _CLASS not in others:
                raise

    def accepts(self, found: Found, credentials: Mapping[str, str]) -> bool:
        password = credentials.get(PASSWORD)
        return bool(password) and _tags(found).get(TAG_CREDENTIALS) == _fingerprint(password or "")

    def is_revoked(self, found: Found) -> bool:
        return _tags(found).get(TAG_CREDENTIALS) == _RELEASED

    def revoke(self, found: Found) -> None:
        """Give it a password that nobody is told, and note that."""
        self._modify({"MasterUserPassword": self.new_password()})
        self._tag(found, TAG_CREDENTIALS, _RELEASED)

    def delete(self, found: Found) -> bool:
        """Ask for its deletion, which takes AWS a while.

        Raises StalledError in a state in which AWS takes no final snapshot.
        """
        snapshot = self.wanted.final_snapshot
        if snapshot is not None and not allows_snapshot(found):
            raise StalledError(
                f"AWS takes no final snapshot of a database in state {found['DBInstanceStatus']}; "
                "set deletionPolicy to Delete to lose the data, or to Retain to keep the instance",
                code="InvalidDBInstanceState",
            )
        if found.get("DeletionProtection"):
            self._modify({"DeletionProtection": False})
        arguments: dict[str, Any] = (
            {"SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
            if snapshot is None
            else {"FinalDBSnapshotIdentifier": snapshot}
        )
        with tolerate("DBInstanceNotFound"):
            self.rds.delete_db_instance(DBInstanceIdentifier=self.id, **arguments)
        return False

    def _parameter_group(self, found: Found, actual: Found, version: Iterable[Field]) -> Field:
        group, there = parameter_group_of(actual), found["EngineVersion"]
        wanted = self.wanted.parameter_group
        # That of a newer version comes with it, and AWS takes it no earlier.
        held = any(not each.fixable and is_newer(str(each.wanted), there) for each in version)
        argument = {"DBParameterGroupName": wanted}
        return Field(_PARAMETER_GROUP, group if held else wanted, group, argument)

    def _is_pending(self, found: Found) -> bool:
        """Whether AWS has yet to do something of what is wanted, and has been told so.

        What is pending and leads away isn't ours, and doesn't make anybody wait for it.
        """
        if not found.get("PendingModifiedValues", {}):
            return False
        bare = {**found, "PendingModifiedValues": {}}
        left, whole = (
            {each.path for each in self.fields(seen, {}) if each.difference()}
            for seen in (found, bare)
        )
        return left < whole

    def _notes(self, found: Found) -> Iterator[str]:
        """What its users should know of an instance, though it is as wanted."""
        there, wish = version_of(found), self.wanted.version
        if wish.keeps(there):
            yield (
                f"a Changeset that was rolled back has upgraded it to version {there}, and "
                f"{wish.engine.title} can't go back to {wish.version}; set version to "
                f"{major_of(there)}"
            )
        groups = found.get("DBParameterGroups") or [{}]
        if groups[0].get("ParameterApplyStatus") == "pending-reboot":
            yield (
                f"its parameter group {parameter_group_of(found)}, which forces TLS, takes effect "
                "with its next reboot; reboot it at AWS when that suits you"
            )

    def _upgrade(self, found: Found, asked: _Asked) -> None:
        there = found["EngineVersion"]
        version = to_ask_for(self.rds, there, self.wanted.version)
        named = {**asked[VERSION], "EngineVersion": version}
        self._modify_all(found, {**asked, VERSION: named})
        if version != there:
            upgrade = Upgrade(version, there, datetime.now(UTC))
            self._tag(found, TAG_UPGRADE, str(upgrade))

    def _modify_all(self, found: Found, asked: _Asked) -> None:
        arguments = {name: value for each in asked.values() for name, value in each.items()}
        if not arguments:
            return
        self._modify(arguments)
        if _PASSWORD in asked:
            self._tag(found, TAG_CREDENTIALS, _fingerprint(arguments["MasterUserPassword"]))

    def _modify(self, arguments: Mapping[str, Any]) -> None:
        try:
            self.rds.modify_db_instance(
                DBInstanceIdentifier=self.id, ApplyImmediately=True, **arguments
            )
        except ClientError as exc:
            if _RESTING not in exc.response.get("Error", {}).get("Message", ""):
                raise
            others = {k: v for k, v in arguments.items() if k not in db_storage.ARGUMENTS}
            if not others:
                raise WaitError(
                    "AWS changes the storage of a database once in six hours; it is tried again "
                    f"until then: {exc}",
                    code=code_of(exc),
                    operation=exc.operation_name,
                    retry_after=_REST,
                ) from exc
            self._modify(others)

    def _tag(self, found: Found, key: str, value: str) -> None:
        self.rds.add_tags_to_resource(
            ResourceName=found["DBInstanceArn"], Tags=[{"Key": key, "Value": value}]
        )


def parameter_group_of(found: Found) -> str:
    """The name of the parameter group that an instance has."""
    groups = found.get("DBParameterGroups") or [{"DBParameterGroupName": ""}]
    return str(groups[0]["DBParameterGroupName"])


def _tags(found: Found) -> dict[str, str]:
    return tags_by_key(found.get("TagList", []))


def _fingerprint(password: str) -> str:
    """Tells passwords apart without telling them: they have some 190 bits, this keeps 64."""
    return hashlib.sha256(f"setops\0{password}".encode()).hexdigest()[:16]
