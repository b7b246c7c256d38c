"""RDS: the database instance of one Service, and what there is of all of them.

Source of states, limits and what may be changed when: the Amazon RDS User Guide (instance status,
modifying and deleting an instance, storage autoscaling) and the API reference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from setops.api.catalogue import version_numbers
from setops.aws.errors import StalledError, WaitError, code_of, tolerate
from setops.aws.ownership import Owner, owner_by, tag_list, tags_by_key
from setops.aws.product import Described, Difference, Phase
from setops.aws.target import Identity

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient

TAG_CREDENTIALS: Final = "setops:credentials"
"""Tag that tells which password an instance has: `fingerprint` of it, or `RELEASED`."""
RELEASED: Final = "released"

CLASS: Final = "instance.class"
MULTI_AZ: Final = "instance.multiAz"
STORAGE: Final = "instance.storage"
MAX_STORAGE: Final = "instance.maxStorage"
VERSION: Final = "instance.version"
BACKUP_DAYS: Final = "instance.backupRetentionDays"
PROTECTION: Final = "instance.deletionProtection"
PRIVATE: Final = "instance.publiclyAccessible"
PASSWORD: Final = "instance.password"  # noqa: S105
PARAMETER_GROUP: Final = "instance.parameterGroup"
SECURITY_GROUP: Final = "instance.securityGroup"
ROOM: Final = "instance.room"
SURPLUS: Final = "parameterGroup.ofOlderVersion"
"""Paths of differences."""

_GROWTH: Final = 1.1
"""By how much the limit of storage autoscaling has to be above the storage that there is."""

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


def major_of(version: str) -> str:
    return version.split(".")[0]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an instance should be. Sizes are in GB; `max_storage` of None: it doesn't grow.

    `version` is as the Service has it, `16` or `16.4`; None means whichever it has.
    `keeps_version`: a newer one that it has is as wanted.
    """

    instance_class: str
    multi_az: bool
    min_storage: int
    max_storage: int | None
    version: str | None
    backup_days: int
    parameter_group: str
    password: str | None = None
    keeps_version: bool = False


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
        # It may have grown by itself, and can't shrink: more than was asked for is as wanted.
        if actual["AllocatedStorage"] < wanted.min_storage:
            size = f"{actual['AllocatedStorage']} GB"
            state = found["DBInstanceStatus"]
            later = f"{state}; its storage can be changed again after that"
            yield Difference(
                STORAGE,
                f"{wanted.min_storage} GB",
                size,
                later=later if state == _OPTIMIZED else "",
            )
        limit = _limit(actual, wanted)
        if actual.get("MaxAllocatedStorage") != limit:
            there = actual.get("MaxAllocatedStorage")
            yield Difference(MAX_STORAGE, _gigabytes(limit), _gigabytes(there))
        if not wanted.keeps_version or not is_newer(actual["EngineVersion"], wanted.version):
            yield from _version_differences(actual["EngineVersion"], wanted.version)
        if actual.get("BackupRetentionPeriod", 0) != wanted.backup_days:
            days = str(actual.get("BackupRetentionPeriod", 0))
            yield Difference(BACKUP_DAYS, str(wanted.backup_days), days)
        if not actual.get("DeletionProtection"):
            yield _switch(PROTECTION, on=True)
        if actual.get("PubliclyAccessible"):
            yield _switch(PRIVATE, on=False)
        group = parameter_group_of(actual)
        if group != wanted.parameter_group:
            yield Difference(PARAMETER_GROUP, wanted.parameter_group, group)
        if wanted.password and not self.has_password(found, wanted.password):
            yield Difference(PASSWORD, "that of the Secret", "another")
        if found["DBInstanceStatus"] == "storage-full":
            yield Difference(
                ROOM, "some", "none", refusal="its storage is full; raise options.minStorage"
            )

    def is_pending(self, found: Described, wanted: Wanted) -> bool:
        """Whether AWS has yet to do something of what is wanted, and has been told so."""
        pending = found.get("PendingModifiedValues", {})
        if not pending:
            return False
        told = {each.path for each in self.differences(found, wanted)}
        bare = {**found, "PendingModifiedValues": {}}
        return told != {each.path for each in self.differences(bare, wanted)}

    def has_password(self, found: Described, password: str) -> bool:
        return tags_of(found).get(TAG_CREDENTIALS) == fingerprint(password)

    def modify(
        self, found: Described, wanted: Wanted, paths: set[str], security_group: str
    ) -> None:
        """Puts differences of these paths right, in one call, at once.

        What AWS refuses for the sake of the storage is asked for without it. Raises WaitError when
        that leaves nothing, and StalledError for a version to which AWS doesn't lead.
        """
        allocated = max(found["AllocatedStorage"], wanted.min_storage)
        limit = _limit({"AllocatedStorage": allocated}, wanted)
        known: dict[str, dict[str, Any]] = {
            CLASS: {"DBInstanceClass": wanted.instance_class},
            MULTI_AZ: {"MultiAZ": wanted.multi_az},
            STORAGE: _storage(found, wanted.min_storage),
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
        arguments: dict[str, Any] = {}
        for path in paths & known.keys():
            arguments |= known[path]
        if not arguments:
            return
        if VERSION in paths and wanted.version:
            arguments["EngineVersion"] = self._upgrade(found["EngineVersion"], wanted.version)
        self._modify(arguments)
        if PASSWORD in paths and wanted.password:
            self._tag_credentials(found, fingerprint(wanted.password))

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

    def _upgrade(self, there: str, wanted: str) -> str:
        """The newest version of what is wanted that AWS leads to; for `16` alone AWS would take a
        default, which may be none that can be reached from here."""
        asked = version_numbers(wanted)
        known = self.rds.describe_db_engine_versions(Engine="postgres", EngineVersion=there)
        targets = [
            target["EngineVersion"]
            for each in known["DBEngineVersions"]
            for target in each.get("ValidUpgradeTarget", [])
        ]
        fitting = [each for each in targets if version_numbers(each)[: len(asked)] == asked]
        if targets and not fitting:
            raise StalledError(
                f"AWS doesn't upgrade PostgreSQL {there} to {wanted} in one step; set version to "
                f"one of {', '.join(targets)} first",
                code="InvalidUpgradeTarget",
                operation="ModifyDBInstance",
            )
        # Where AWS lists nothing, it says itself what is wrong with the version.
        return max(fitting, key=version_numbers, default=wanted)

    def lock_out(self, found: Described, password: str) -> None:
        """Gives it a password that nobody is told, and notes that."""
        self.rds.modify_db_instance(
            DBInstanceIdentifier=self.name, ApplyImmediately=True, MasterUserPassword=password
        )
        self._tag_credentials(found, RELEASED)

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

    def _tag_credentials(self, found: Described, value: str) -> None:
        self.rds.add_tags_to_resource(
            ResourceName=found["DBInstanceArn"], Tags=[{"Key": TAG_CREDENTIALS, "Value": value}]
        )


def tags_of(found: Described) -> dict[str, str]:
    """An instance's tags; groups don't show theirs."""
    return tags_by_key(found.get("TagList", []))


def parameter_group_of(found: Described) -> str:
    groups = found.get("DBParameterGroups") or [{"DBParameterGroupName": ""}]
    name: str = groups[0]["DBParameterGroupName"]
    return name


def version_of(found: Described) -> str:
    """The version that it has, or is on the way to."""
    pending: Described = found.get("PendingModifiedValues", {})
    version: str = pending.get("EngineVersion") or found["EngineVersion"]
    return version


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


def _limit(actual: Described, wanted: Wanted) -> int | None:
    """Up to where it may still grow; None where AWS has no room to grow left to offer."""
    allocated = max(actual["AllocatedStorage"], wanted.min_storage)
    if wanted.max_storage is None or wanted.max_storage < allocated * _GROWTH:
        return None
    return wanted.max_storage


def is_newer(actual: str, wanted: str | None) -> bool:
    """Whether it has a newer major version than is wanted; no version goes back."""
    return wanted is not None and version_numbers(actual)[0] > version_numbers(wanted)[0]


def _version_differences(actual: str, wanted: str | None) -> Iterator[Difference]:
    if wanted is None:
        return
    there, asked = version_numbers(actual), version_numbers(wanted)
    if there[: len(asked)] >= asked and there[0] == asked[0]:
        return  # AWS may have brought in a newer minor version by itself
    refusal = (
        f"it has version {actual}, and PostgreSQL can't go back; set version to {there[0]}"
        if is_newer(actual, wanted)
        else ""
    )
    yield Difference(VERSION, wanted, actual, refusal)


def _storage(found: Described, size: int) -> dict[str, int]:
    if size < _STRIPED:
        return {"AllocatedStorage": size}
    return {"AllocatedStorage": size, "Iops": max(found.get("Iops") or 0, _STRIPED_IOPS)}


def _switch(path: str, *, on: bool) -> Difference:
    return Difference(path, *(("on", "off") if on else ("off", "on")))


def _gigabytes(size: int | None) -> str:
    return "no growth" if size is None else f"{size} GB"
