"""What an RDS instance should be, what it is, and which arguments change that. Pure.

Source of what may be changed when: the Amazon RDS User Guide (modifying an instance).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from setops.aws.identity import TAG_PREFIX
from setops.aws.observation import Found
from setops.aws.ownership import tags_by_key
from setops.aws.part import Field
from setops.aws.parts.db_state import FULL
from setops.aws.parts.db_storage import storage_fields
from setops.aws.parts.db_version import (
    TAG_UPGRADE,
    VersionWish,
    is_newer,
    major_of,
    version_fields,
    version_of,
)

TAG_CREDENTIALS: Final = f"{TAG_PREFIX}credentials"
"""The tag for the password of an instance, which AWS never shows: a fingerprint or one of these."""
RELEASED: Final = "released"
CHANGING: Final = "changing"
"""The tag before a password is changed. One that couldn't be noted would be changed again and
again."""

CLASS: Final = "instance.class"
MULTI_AZ: Final = "instance.multiAz"
BACKUP_DAYS: Final = "instance.backupRetentionDays"
PROTECTION: Final = "instance.deletionProtection"
PUBLIC: Final = "instance.publiclyAccessible"
MASTER_PASSWORD: Final = "instance.password"  # noqa: S105
PARAMETER_GROUP: Final = "instance.parameterGroup"
SECURITY_GROUP: Final = "instance.securityGroup"
ROOM: Final = "instance.room"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an instance should be. Sizes are in GB. With `max_storage` None it doesn't grow.

    `fixed` are arguments of CreateDBInstance that never change. `final_snapshot` makes the name of
    the snapshot that a deletion leaves; None: the data is deleted for good.
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
    final_snapshot: Callable[[], str] | None = None


def instance_fields(
    found: Found, wanted: Wanted, security_group: str, now: datetime
) -> Iterator[Field]:
    """All that we set of an instance, compared with what it is or will be after pending changes.

    `security_group` is the id of the group that it should have; empty while there is none. `now`
    decides whether AWS may be asked for an upgrade again.
    """
    actual = {**found, **found.get("PendingModifiedValues", {})}
    size = wanted.instance_class
    yield Field(CLASS, size, actual["DBInstanceClass"], {"DBInstanceClass": size})
    standby = bool(actual.get("MultiAZ"))
    yield Field(MULTI_AZ, wanted.multi_az, standby, {"MultiAZ": wanted.multi_az})
    low, high = wanted.min_storage, wanted.max_storage
    yield from storage_fields(found, actual, low, high)
    asked = tags_of(found).get(TAG_UPGRADE, "")
    version = [*version_fields(found, actual["EngineVersion"], wanted.version, asked, now)]
    yield from version
    days = actual.get("BackupRetentionPeriod", 0)
    kept = wanted.backup_days
    yield Field(BACKUP_DAYS, kept, days, {"BackupRetentionPeriod": kept})
    protected = bool(actual.get("DeletionProtection"))
    yield Field(PROTECTION, True, protected, {"DeletionProtection": True})
    public = bool(actual.get("PubliclyAccessible"))
    yield Field(PUBLIC, False, public, {"PubliclyAccessible": False})
    yield _parameter_group(found, actual, wanted, version)
    if wanted.password:
        known = has_password(found, wanted.password)
        argument = {"MasterUserPassword": wanted.password}
        ours = "the one in the Secret"
        yield Field(MASTER_PASSWORD, ours, ours if known else "another", argument)
    if found["DBInstanceStatus"] == FULL:
        full = "its storage is full; raise options.minStorage"
        yield Field(ROOM, "some", "none", refusal=full)
    if security_group:
        attached = {each["VpcSecurityGroupId"] for each in found.get("VpcSecurityGroups", [])}
        shown = ", ".join(sorted(attached)) or "none"
        groups = {"VpcSecurityGroupIds": [security_group]}
        yield Field(SECURITY_GROUP, security_group, shown, groups)


def _parameter_group(
    found: Found, actual: Found, wanted: Wanted, version: Iterable[Field]
) -> Field:
    group, there, name = parameter_group_of(actual), found["EngineVersion"], wanted.parameter_group
    # AWS accepts a newer version's parameter group only together with that version.
    held = any(not each.fixable and is_newer(str(each.wanted), there) for each in version)
    return Field(PARAMETER_GROUP, group if held else name, group, {"DBParameterGroupName": name})


def parameter_group_of(found: Found) -> str:
    """The name of the parameter group that an instance has."""
    groups = found.get("DBParameterGroups") or [{"DBParameterGroupName": ""}]
    return str(groups[0]["DBParameterGroupName"])


def notes_on(found: Found, wanted: Wanted) -> Iterator[str]:
    """What users should know about an instance although it is as wanted."""
    there, wish = version_of(found), wanted.version
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


def tags_of(found: Found) -> dict[str, str]:
    return tags_by_key(found.get("TagList", []))


def has_password(found: Found, password: str) -> bool:
    """Whether an instance has this password."""
    return bool(password) and tags_of(found).get(TAG_CREDENTIALS) == fingerprint(password)


def fingerprint(password: str) -> str:
    """Identifies a password without revealing it: of its some 190 bits, this keeps 64."""
    return hashlib.sha256(f"setops\0{password}".encode()).hexdigest()[:16]
