"""An RDS database instance: what it should be, and the calls that make it so.

Source of limits and of what may be changed when: the Amazon RDS User Guide (modifying and deleting
an instance) and the API reference.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from botocore.exceptions import ClientError

from setops.aws.api_use import ApiUse
from setops.aws.clients import AccountClients
from setops.aws.errors import StalledError, WaitError, code_of, tolerate
from setops.aws.observation import Activity, Found, PartStatus
from setops.aws.ownership import tag_list
from setops.aws.part import Field, Guard
from setops.aws.parts import db_storage
from setops.aws.parts.db_fields import (
    CHANGING,
    CLASS,
    MASTER_PASSWORD,
    PARAMETER_GROUP,
    RELEASED,
    TAG_CREDENTIALS,
    Wanted,
    fingerprint,
    has_password,
    instance_fields,
    notes_on,
    tags_of,
)
from setops.aws.parts.db_state import activity_of, allows_snapshot, remedy_for
from setops.aws.parts.db_version import (
    ASKED,
    NO_UPGRADE,
    TAG_UPGRADE,
    VERSION,
    Upgrade,
    to_ask_for,
    version_of,
)
from setops.aws.parts.rds import API, is_storage_resting
from setops.aws.parts.security_group import SecurityGroup
from setops.aws.parts.subnet_group import SubnetGroup

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient

PASSWORD: Final = "password"  # noqa: S105
"""The entry of the Secret that holds the password."""

_UNUPGRADED: Final = frozenset(
    {"DBUpgradeDependencyFailure", "InvalidParameterCombination", "InvalidParameterValue"}
)
"""Codes with which AWS refuses a call, perhaps only because of the version."""

_STORAGE_RETRY_SECONDS: Final = 300.0
"""How long to wait before AWS is asked again for a storage change that it refused as too early."""

_Asked = Mapping[str, Mapping[str, Any]]
"""Arguments of ModifyDBInstance, by the path of the field that they set."""


@dataclass(frozen=True)
class DbInstance(Guard):
    """The instance `id`. `new_password` generates one that nobody knows.

    `now` is when this object was made; each is used for a moment only.
    """

    kind: ClassVar[str] = "instance"
    label: ClassVar[str] = "RDS instance"
    api: ClassVar[ApiUse] = API

    rds: RDSClient
    wanted: Wanted
    new_password: Callable[[], str]
    now: datetime

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
        return tags_of(found)

    def create(self, ids: Mapping[str, str]) -> Found | None:
        """Create the instance as it should be.

        Deletion protection is set once it is ready. Until then it holds no data, and a commit that
        is rolled back can delete it at once.
        """
        wanted, password = self.wanted, self.wanted.password or ""
        tags = {**self.identity.tags(), TAG_CREDENTIALS: fingerprint(password)}
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
            note="; ".join(notes_on(found, self.wanted)),
            arn=found["DBInstanceArn"],
            # Empty until AWS has given it an address.
            endpoint=f"{endpoint['Address']}:{endpoint['Port']}" if endpoint.get("Address") else "",
            lasts=True,
        )

    def fields(self, found: Found, ids: Mapping[str, str]) -> Iterable[Field]:
        return instance_fields(found, self.wanted, ids.get(SecurityGroup.kind, ""), self.now)

    def put(self, found: Found, fields: Sequence[Field]) -> Iterator[str]:
        """Ask for all changes in one call, to be applied at once.

        If AWS refuses the storage change, the others are asked for without it. Raises WaitError if
        there are no others. A version that AWS refuses doesn't block the others either: they are
        asked for, then StalledError or AWS's own error is raised. The class is changed after the
        version, since the present version may not support it. If AWS refuses that order, the class
        is changed first.
        """
        asked = {each.path: each.argument for each in fields}
        if ASKED in asked:
            self._tag(found, TAG_UPGRADE, NO_UPGRADE)
        if VERSION not in asked:
            yield from self._modify_all(found, asked)
            return
        others = {path: asked[path] for path in asked if path not in (VERSION, PARAMETER_GROUP)}
        try:
            rest = {path: asked[path] for path in asked if path != CLASS}
            yield from self._upgrade(found, rest)
        except StalledError:
            with suppress(WaitError):
                yield from self._modify_all(found, others)
            raise
        except ClientError as exc:
            if code_of(exc) not in _UNUPGRADED:
                raise
            with suppress(WaitError):
                yield from self._modify_all(found, others)
            if CLASS not in others:
                raise

    def accepts(self, found: Found, credentials: Mapping[str, str]) -> bool:
        return has_password(found, credentials.get(PASSWORD, ""))

    def is_revoked(self, found: Found) -> bool:
        return tags_of(found).get(TAG_CREDENTIALS) == RELEASED

    def revoke(self, found: Found) -> None:
        """Give it a password that nobody knows, and note that in a tag."""
        self._tag(found, TAG_CREDENTIALS, CHANGING)
        self._modify({"MasterUserPassword": self.new_password()})
        self._tag(found, TAG_CREDENTIALS, RELEASED)

    def delete(self, found: Found) -> bool:
        """Ask for its deletion, which takes AWS a while.

        Raises StalledError in a state in which AWS takes no final snapshot, if one is wanted.
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
            else {"FinalDBSnapshotIdentifier": snapshot()}
        )
        with tolerate("DBInstanceNotFound"):
            self.rds.delete_db_instance(DBInstanceIdentifier=self.id, **arguments)
        return False

    def _is_pending(self, found: Found) -> bool:
        """Whether a change that we asked for is still pending.

        A pending change that we didn't ask for is ignored: nobody has to wait for it.
        """
        if not found.get("PendingModifiedValues", {}):
            return False
        bare = {**found, "PendingModifiedValues": {}}
        left, whole = (
            {each.path for each in self.fields(seen, {}) if each.difference()}
            for seen in (found, bare)
        )
        return left < whole

    def _upgrade(self, found: Found, asked: _Asked) -> Collection[str]:
        there = found["EngineVersion"]
        version = to_ask_for(self.rds, there, self.wanted.version)
        named = {**asked[VERSION], "EngineVersion": version}
        if version == there:
            return self._modify_all(found, {**asked, VERSION: named})
        # An upgrade that couldn't be noted afterwards would be asked for again and again.
        self._tag(found, TAG_UPGRADE, NO_UPGRADE)
        accepted = self._modify_all(found, {**asked, VERSION: named})
        self._tag(found, TAG_UPGRADE, str(Upgrade(version, there, self.now)))
        return accepted

    def _modify_all(self, found: Found, asked: _Asked) -> Collection[str]:
        """Ask for these changes. Returns the paths of those that AWS has accepted."""
        arguments = {name: value for each in asked.values() for name, value in each.items()}
        if not arguments:
            return asked.keys()
        if MASTER_PASSWORD in asked:
            self._tag(found, TAG_CREDENTIALS, CHANGING)
        refused = self._modify(arguments)
        if MASTER_PASSWORD in asked:
            self._tag(found, TAG_CREDENTIALS, fingerprint(arguments["MasterUserPassword"]))
        return [path for path, each in asked.items() if not refused & each.keys()]

    def _modify(self, arguments: Mapping[str, Any]) -> frozenset[str]:
        """Returns the names of the arguments that AWS takes another time."""
        try:
            self.rds.modify_db_instance(
                DBInstanceIdentifier=self.id, ApplyImmediately=True, **arguments
            )
        except ClientError as exc:
            if not is_storage_resting(exc):
                raise
            others = {k: v for k, v in arguments.items() if k not in db_storage.ARGUMENTS}
            if len(others) == len(arguments):
                raise  # no storage change was asked for
            if not others:
                raise WaitError(
                    "AWS allows one storage change in six hours; the operator keeps trying until "
                    f"it is accepted: {exc}",
                    code=code_of(exc),
                    operation=exc.operation_name,
                    retry_after=_STORAGE_RETRY_SECONDS,
                ) from exc
            return self._modify(others) | (arguments.keys() - others.keys())
        return frozenset()

    def _tag(self, found: Found, key: str, value: str) -> None:
        self.rds.add_tags_to_resource(
            ResourceName=found["DBInstanceArn"], Tags=[{"Key": key, "Value": value}]
        )
