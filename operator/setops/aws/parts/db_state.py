"""The states of an RDS instance, and what each means. Pure.

Source: the Amazon RDS User Guide (instance status, deleting an instance).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from setops.aws.observation import Activity, Found

OPTIMIZED: Final = "storage-optimization"
"""In this state everything can be changed, apart from the storage."""
FULL: Final = "storage-full"

_STATES: Final[Mapping[str, Activity]] = {
    "available": Activity.STEADY,
    "storage-full": Activity.STEADY,
    OPTIMIZED: Activity.STEADY,
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
        Activity.OCCUPIED,
    ),
    **dict.fromkeys(("delete-precheck", "deleting"), Activity.DELETING),
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
        Activity.FAILED,
    ),
}
"""Every other state passes: `creating`, `modifying`, `rebooting`, `upgrading` and the like."""

_REMEDIES: Final[Mapping[str, str]] = {
    "inaccessible-encryption-credentials": "enable its KMS key and restore it from a backup",
    "inaccessible-encryption-credentials-recoverable": "enable its KMS key and start it",
    "incompatible-network": "free addresses in its subnets, or correct its network",
    "incompatible-parameters": "correct its parameter group and reboot it",
    "insufficient-capacity": "choose another plan, or try later",
    "stopped": "start it at AWS",
}

# In these states AWS refuses a final snapshot.
_WITHOUT_SNAPSHOT: Final = frozenset(
    {"failed", "incompatible-create", "incompatible-network", "incompatible-restore"}
)


def activity_of(found: Found) -> Activity:
    return _STATES.get(found["DBInstanceStatus"], Activity.BUSY)


def remedy_for(found: Found) -> str:
    """What to do about a state that doesn't pass."""
    return _REMEDIES.get(found["DBInstanceStatus"], "see its events in the RDS console")


def allows_snapshot(found: Found) -> bool:
    """Whether AWS takes a final snapshot in the instance's present state."""
    return found["DBInstanceStatus"] not in _WITHOUT_SNAPSHOT
