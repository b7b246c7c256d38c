"""RDS: the database instance of one Service, and what there is of all of them.

Source of states, limits and what may be changed when: the Amazon RDS User Guide (instance status,
modifying and deleting an instance, storage autoscaling) and the API reference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from setops.api.catalogue import TYPES
from setops.api.put_back import PutBack
from setops.aws.errors import StalledError, WaitError, code_of, tolerate
from setops.aws.ownership import Owner, owner_by, tag_list, tags_by_key
from setops.aws.product import Described, Difference, Phase
from setops.aws.rds_versions import Upgrade, is_met, is_newer, major_of, to_ask_for
from setops.aws.target import Identity

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient

TAG_CREDENTIALS: Final = "setops:credentials"
"""Tag that tells which password an instance has: `fingerprint` of it, or `RELEASED`."""
RELEASED: Final = "released"
TAG_UPGRADE: Final = "setops:upgrade"
"""Tag that tells which `Upgrade` AWS was last asked for; `NO_UPGRADE` once nobody wants it."""
NO_UPGRADE: Final = "none"

CLASS: Final = "instance.class"
MULTI_AZ: Final = "instance.multiAz"
STORAGE: Final = "instance.storage"
MAX_STORAGE: Final = "instance.maxStorage"
VERSION: Final = "instance.version"
ASKED: Final = "instance.versionAskedFor"
BACKUP_DAYS: Final = "instance.backupRetentionDays"
PROTECTION: Final = "instance.deletionProtection"
PRIVATE: Final = "instance.publiclyAccessible"
PASSWORD: Final = "instance.password"  # noqa: S105
PARAMETER_GROUP: Final = "instance.parameterGroup"
SECURITY_GROUP: Final = "instance.securityGroup"
ROOM: Final = "instance.room"
SURPLUS: Final = "parameterGroup.ofOlderVersion"
"""Paths of differences."""

_MAJORS: Final = TYPES["postgresql"].versions

_UNUPGRADED: Final = frozenset(
    {"DBUpgradeDependencyFailure", "InvalidParameterCombination", "InvalidParameterValue"}
)
"""Codes by which AWS refuses a call, it may be for the sake of the version alone."""

# Everything but the storage can be changed meanwhile.
_OPTIMIZED: Final = "storage-optimization"
_RESTING: Final = "previous storage change is being optimized"
"""What AWS says when it refuses, with a code that also means other things, to change the storage
less than six hours after the last change."""
_REST: Final = 300.0
"""Seconds after which to ask again."""
_STORAGE_ARGUMENTS: Final = ("AllocatedStorage", "Iops", "MaxAllocatedStorage")

_STRIPED: Final = 400
_STRIPED_IOPS: Final = 12_000
"""From so many GB on, gp3 has so many IOPS at least, and AWS wants them named in each change."""

_STATES: Final[Mapping[str, Phase]] = {
    "available": Phase.STEADY,
    "storage-full": Phase.STEADY,
    _OPTIMIZED: Phase.STEADY,
    **dict.fromkeys(
        (
            "backing-up",
            "configuring-associated-roles",
            "configuring-enhanced-monitoring",
            "configuring-iam-database-auth",
            "configuring-log-exports",
            "maintenance",
            "storage-config-upgrade",
            "storage-initialization",
        ),
        Phase.OCCUPIED,
    ),
    **dict.fromkeys(("delete-precheck", "deleting"), Phase.DELETING),
    **dict.fromkeys(
        (
            "failed",
            "inaccessible-encryption-credentials",
            "inaccessible-encryption-credentials-recoverable",
            "incompatible-create",
            "incompatible-network",
            "incompatible-option-group",
            "incompatible-parameters",
            "incompatible-restore",
            "insufficient-capacity",
            "restore-error",
            "stopped",
        ),
        Phase.FAILED,
    ),
}
"""Every other state passes: `creating`, `modifying`, `rebooting`, `upgrading` and the like."""

_REMEDIES: Final[Mapping[str, str]] = {
    "inaccessible-encryption-credentials": "enable its KMS key and restore it from a backup",
    "inaccessible-encryption-credentials-recoverable": "enable its KMS key and start it",
    "incompatible-network": "free addresses in its subnets, or put its network right",
    "incompatible-parameters": "put its parameter group right and reboot it",
    "insufficient-capacity": "choose another plan, or try later",
    "stopped": "start it at AWS",
}

# A final snapshot of these is refused.
_WITHOUT_SNAPSHOT: Final = frozenset(
    {"failed", "incompatible-create", "incompatible-network", "incompatible-restore"}
)


def survey(rds: RDSClient) -> dict[str, dict[str, Described]]:
    """All instances, subnet groups and parameter groups of the account and region, by name."""
    instances = rds.get_paginator("describe_db_instances").paginate()
    subnets = rds.get_paginator("describe_db_subnet_groups").paginate()
    parameters = rds.get_paginator("describe_db_parameter_groups").paginate()
    return {
        "instances": {
            each["DBInstanceIdentifier"]: each for page in instances for each in page["DBInstances"]
        },
        "subnetGroups": {
            each["DBSubnetGroupName"]: each for page in subnets for each in page["DBSubnetGroups"]
        },
        "parameterGroups": {
            each["DBParameterGroupName"]: each
            for page in parameters
            for each in page["DBParameterGroups"]
        },
    }


def phase_of(found: Described) -> Phase:
    return _STATES.get(found["DBInstanceStatus"], Phase.BUSY)


def remedy_for(found: Described) -> str:
    """What somebody can do about a state that doesn't pass."""
    fallback = "see its events in the RDS console"
    return _REMEDIES.get(found["DBInstanceStatus"], fallback)


def allows_snapshot(found: Described) -> bool:
    """Whether AWS takes a final snapshot in the state that the instance is in."""
    return found["DBInstanceStatus"] not in _WITHOUT_SNAPSHOT


def fingerprint(password: str) -> str:
    """Tells passwords apart without telling them: they have some 190 bits, this keeps 64."""
    return hashlib.sha256(f"setops\0{password}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an instance should be. Sizes are in GB; `max_storage` of None: it doesn't grow.

    `version` is as the Service has it, `16` or `16.4`; None means whichever it has.
    `put_back`: a newer one that this covers is as wanted.
    """

    instance_class: str
    multi_az: bool
    min_storage: int
    max_storage: int | None
    version: str | None
    backup_days: int
    parameter_group: str
    password: str | None = None
    put_back: PutBack | None = None

    def keeps(self, version: str) -> bool:
        """Whether a newer version than is wanted stays, as a Changeset may have brought it in."""
        if self.put_back is None or not is_newer(version, self.version):
            return False
        return self.put_back.covers(version)


@dataclass(frozen=True, slots=True)
class Instance:
    """The instance `name` of a Service, whether it exists or not."""

    rds: RDSClient
    name: str
    identity: Identity

    def find(self) -> Described | None:
        """The instance as it is now, whoever made it."""
        try:
            found = self.rds.describe_db_instances(DBInstanceIdentifier=self.name)
        except ClientError as exc:
            if code_of(exc) == "DBInstanceNotFound":
                return None
            raise
        return next(iter(found["DBInstances"]), None)

    def owner(self, found: Described | None) -> Owner:
        if found is None:
            return Owner.NOBODY
        return owner_by(found.get("TagList", []), self.identity)

    def create(self, wanted: Wanted, **more: Any) -> None:
        """Makes the instance; `more` are arguments of CreateDBInstance that never change.

        Deletion protection comes when it is ready: until then it holds nothing, and a Changeset
        that is cancelled can be rid of it at once. One that exists is left as it is.
        """
        password = wanted.password or ""
        tags = {**self.identity.tags(), TAG_CREDENTIALS: fingerprint(password)}
        growth: dict[str, Any] = (
            {"MaxAllocatedStorage": wanted.max_storage} if wanted.max_storage else {}
        )
        with tolerate("DBInstanceAlreadyExists"):
            self.rds.create_db_instance(
                DBInstanceIdentifier=self.name,
                DBInstanceClass=wanted.instance_class,
                MultiAZ=wanted.multi_az,
                AllocatedStorage=wanted.min_storage,
                BackupRetentionPeriod=wanted.backup_days,
                DBParameterGroupName=wanted.parameter_group,
                MasterUserPassword=password,
                EngineVersion=wanted.version or "",
                Tags=tag_list(tags),
                **growth,
                **more,
            )

    def differences(self, found: Described, wanted: Wanted) -> Iterator[Difference]:
        """What of the instance isn't as wanted, and isn't on its way either."""
        actual = {**found, **found.get("PendingModifiedValues", {})}
        if actual["DBInstanceClass"] != wanted.instance_class:
            yield Difference(CLASS, wanted.instance_class, actual["DBInstanceClass"])
        if bool(actual.get("MultiAZ")) != wanted.multi_az:
            yield _switch(MULTI_AZ, on=wanted.multi_az)
        yield from _storage_differences(found, actual, wanted)
        version = tuple(_version_differences(found, actual["EngineVersion"], wanted))
        yield from version
        if actual.get("BackupRetentionPeriod", 0) != wanted.backup_days:
            days = str(actual.get("BackupRetentionPeriod", 0))
            yield Difference(BACKUP_DAYS, str(wanted.backup_days), days)
        if not actual.get("DeletionProtection"):
            yield _switch(PROTECTION, on=True)
        if actual.get("PubliclyAccessible"):
            yield _switch(PRIVATE, on=False)
        group = parameter_group_of(actual)
        # That of a newer version comes with it, and AWS takes it no earlier.
        there = found["EngineVersion"]
        held = any(not each.fixable and is_newer(each.wanted, there) for each in version)
        if group != wanted.parameter_group and not held:
            yield Difference(PARAMETER_GROUP, wanted.parameter_group, group)
        if wanted.password and not self.has_password(found, wanted.password):
            yield Difference(PASSWORD, "that of the Secret", "another")
        if found["DBInstanceStatus"] == "storage-full":
            yield Difference(
                ROOM, "some", "none", refusal="its storage is full; raise options.minStorage"
            )

    def is_pending(self, found: Described, wanted: Wanted) -> bool:
        """Whether AWS has yet to do something of what is wanted, and has been told so.

        What is pending and leads away isn't ours, and doesn't make anybody wait for it.
        """
        pending = found.get("PendingModifiedValues", {})
        if not pending:
            return False
        told = {each.path for each in self.differences(found, wanted)}
        bare = {**found, "PendingModifiedValues": {}}
        return told < {each.path for each in self.differences(bare, wanted)}

    def has_password(self, found: Described, password: str) -> bool:
        return tags_of(found).get(TAG_CREDENTIALS) == fingerprint(password)

    def modify(
        self, found: Described, wanted: Wanted, paths: set[str], security_group: str
    ) -> None:
        """Puts differences of these paths right, in one call, at once.

        What AWS refuses for the sake of the storage is asked for without it; raises WaitError when
        that leaves nothing. A version that can't be had holds up nothing else either: raises
        StalledError, or what AWS answered, when all else was asked for. A class comes after the
        version, as the version that is there may not support it, or before it if AWS wants that.
        """
        if ASKED in paths:
            self._tag(found, TAG_UPGRADE, NO_UPGRADE)
        asked = self._changes(found, wanted, paths, security_group)
        if VERSION not in asked:
            self._put(found, wanted, asked)
            return
        others = {path: asked[path] for path in asked if path not in (VERSION, PARAMETER_GROUP)}
        try:
            version = to_ask_for(self.rds, found["EngineVersion"], wanted.version or "", _MAJORS)
            asked[VERSION]["EngineVersion"] = version
            self._put(found, wanted, {path: asked[path] for path in asked if path != CLASS})
            if version != found["EngineVersion"]:
                upgrade = Upgrade(version, found["EngineVersion"], datetime.now(UTC))
                self._tag(found, TAG_UPGRADE, str(upgrade))
        except StalledError:
            with suppress(WaitError):
                self._put(found, wanted, others)
            raise
        except ClientError as exc:
            if code_of(exc) not in _UNUPGRADED:
                raise
            with suppress(WaitError):
                self._put(found, wanted, others)
            if CLASS not in others:
                raise

    def _changes(
        self, found: Described, wanted: Wanted, paths: set[str], security_group: str
    ) -> dict[str, dict[str, Any]]:
        """What ModifyDBInstance takes for each of these paths; the version is yet to be found."""
        actual = {**found, **found.get("PendingModifiedValues", {})}
        allocated = _grown(actual, wanted) if STORAGE in paths else actual["AllocatedStorage"]
        limit = _limit(allocated, wanted)
        known: dict[str, dict[str, Any]] = {
            CLASS: {"DBInstanceClass": wanted.instance_class},
            MULTI_AZ: {"MultiAZ": wanted.multi_az},
            STORAGE: _storage(found, allocated),
            # A limit that is what there is already means that it doesn't grow.
            MAX_STORAGE: {"MaxAllocatedStorage": limit or allocated},
            VERSION: {"AllowMajorVersionUpgrade": True},
            BACKUP_DAYS: {"BackupRetentionPeriod": wanted.backup_days},
            PROTECTION: {"DeletionProtection": True},
            PRIVATE: {"PubliclyAccessible": False},
            PARAMETER_GROUP: {"DBParameterGroupName": wanted.parameter_group},
            SECURITY_GROUP: {"VpcSecurityGroupIds": [security_group]},
            PASSWORD: {"MasterUserPassword": wanted.password},
        }
        return {path: known[path] for path in paths & known.keys()}

    def _put(
        self, found: Described, wanted: Wanted, asked: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Asks for what differs, by path, if there is anything."""
        arguments: dict[str, Any] = {}
        for each in asked.values():
            arguments |= each
        if not arguments:
            return
        self._modify(arguments)
        if PASSWORD in asked and wanted.password:
            self._tag(found, TAG_CREDENTIALS, fingerprint(wanted.password))

    def _modify(self, arguments: Mapping[str, Any]) -> None:
        try:
            self.rds.modify_db_instance(
                DBInstanceIdentifier=self.name, ApplyImmediately=True, **arguments
            )
        except ClientError as exc:
            if _RESTING not in exc.response.get("Error", {}).get("Message", ""):
                raise
            others = {k: v for k, v in arguments.items() if k not in _STORAGE_ARGUMENTS}
            if not others:
                raise WaitError(
                    "AWS changes the storage of a database once in six hours; it is tried again "
                    f"until then: {exc}",
                    code=code_of(exc),
                    operation=exc.operation_name,
                    retry_after=_REST,
                ) from exc
            self._modify(others)

    def lock_out(self, found: Described, password: str) -> None:
        """Gives it a password that nobody is told, and notes that."""
        self.rds.modify_db_instance(
            DBInstanceIdentifier=self.name, ApplyImmediately=True, MasterUserPassword=password
        )
        self._tag(found, TAG_CREDENTIALS, RELEASED)

    def delete(self, found: Described, final_snapshot: str | None) -> None:
        """Deletes it; None means that its data goes for good."""
        if found.get("DeletionProtection"):
            self.rds.modify_db_instance(
                DBInstanceIdentifier=self.name, ApplyImmediately=True, DeletionProtection=False
            )
        with tolerate("DBInstanceNotFound"):
            if final_snapshot is None:
                self.rds.delete_db_instance(
                    DBInstanceIdentifier=self.name,
                    SkipFinalSnapshot=True,
                    DeleteAutomatedBackups=True,
                )
            else:
                self.rds.delete_db_instance(
                    DBInstanceIdentifier=self.name, FinalDBSnapshotIdentifier=final_snapshot
                )

    def _tag(self, found: Described, key: str, value: str) -> None:
        self.rds.add_tags_to_resource(
            ResourceName=found["DBInstanceArn"], Tags=[{"Key": key, "Value": value}]
        )


def tags_of(found: Described) -> dict[str, str]:
    """An instance's tags; groups don't show theirs."""
    return tags_by_key(found.get("TagList", []))


def parameter_group_of(found: Described) -> str:
    groups = found.get("DBParameterGroups") or [{"DBParameterGroupName": ""}]
    name: str = groups[0]["DBParameterGroupName"]
    return name


def awaits_reboot(found: Described) -> bool:
    """Whether its parameter group takes effect with the next reboot only."""
    groups = found.get("DBParameterGroups") or [{}]
    return bool(groups[0].get("ParameterApplyStatus") == "pending-reboot")


def security_groups_of(found: Described) -> set[str]:
    return {each["VpcSecurityGroupId"] for each in found.get("VpcSecurityGroups", [])}


def endpoint_of(found: Described) -> tuple[str, int] | None:
    """Host and port; None until AWS has given it an address."""
    endpoint = found.get("Endpoint") or {}
    return (endpoint["Address"], endpoint["Port"]) if endpoint.get("Address") else None


def _grown(actual: Described, wanted: Wanted) -> int:
    """The storage in GB that it will have. AWS rounds up what is less than a tenth more."""
    there: int = actual["AllocatedStorage"]
    return there if there >= wanted.min_storage else max(wanted.min_storage, _tenth_more(there))


def _limit(allocated: int, wanted: Wanted) -> int | None:
    """Up to where it may still grow by itself; None where AWS has no room left to offer, which it
    does from a tenth more than is allocated on."""
    if wanted.max_storage is None or wanted.max_storage < _tenth_more(allocated):
        return None
    return wanted.max_storage


def _tenth_more(size: int) -> int:
    return -(-size * 11 // 10)


def _storage_differences(
    found: Described, actual: Described, wanted: Wanted
) -> Iterator[Difference]:
    later = ""
    # It may have grown by itself, and can't shrink: more than was asked for is as wanted.
    if actual["AllocatedStorage"] < wanted.min_storage:
        size = f"{actual['AllocatedStorage']} GB"
        state = found["DBInstanceStatus"]
        if state == _OPTIMIZED:
            later = f"{state}; its storage can be changed again after that"
        yield Difference(STORAGE, f"{wanted.min_storage} GB", size, later=later)
    limit = _limit(_grown(actual, wanted), wanted)
    if actual.get("MaxAllocatedStorage") != limit:
        there = actual.get("MaxAllocatedStorage")
        # The limit is that of the storage as it will be, and comes with it.
        yield Difference(MAX_STORAGE, _gigabytes(limit), _gigabytes(there), later=later)


def _version_differences(found: Described, actual: str, wanted: Wanted) -> Iterator[Difference]:
    there, version = found["EngineVersion"], wanted.version
    upgrade = Upgrade.parse(tags_of(found).get(TAG_UPGRADE, ""))
    if version is None or is_met(actual, version) or wanted.keeps(actual):
        if upgrade and upgrade.there == there == actual:
            yield Difference(ASKED, "none", upgrade.to)
        return
    refusal = later = ""
    # A newer one that is only pending can be called off.
    if is_newer(there, version):
        refusal = (
            f"it has version {there}, and PostgreSQL can't go back; set version to "
            f"{major_of(there)}"
        )
    elif upgrade:
        now = datetime.now(UTC)
        refusal = upgrade.refusal(there, version, now)
        later = upgrade.later(there, version, now)
    yield Difference(VERSION, version, actual, refusal, later)


def _storage(found: Described, size: int) -> dict[str, int]:
    if size < _STRIPED:
        return {"AllocatedStorage": size}
    return {"AllocatedStorage": size, "Iops": max(found.get("Iops") or 0, _STRIPED_IOPS)}


def _switch(path: str, *, on: bool) -> Difference:
    return Difference(path, *(("on", "off") if on else ("off", "on")))


def _gigabytes(size: int | None) -> str:
    return "no growth" if size is None else f"{size} GB"
