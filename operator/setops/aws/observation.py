"""What was found at AWS, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Found = Mapping[str, Any]
"""A resource as a Describe call of AWS has it. Never changed."""

Inventory = Mapping[str, Mapping[str, Found]]
"""The resources of a product in an account and region, by kind of part and by id. Read in bulk and
shared by all Services."""


class Presence(Enum):
    """How much of what a Service needs exists at AWS with our tags."""

    ABSENT = "absent"
    PARTIAL = "partial"
    PRESENT = "present"


class Activity(Enum):
    """What AWS itself is doing with a resource."""

    STEADY = "steady"
    OCCUPIED = "occupied"
    """It can be used, but AWS is working on it and refuses changes, during a backup for example."""
    BUSY = "busy"
    """It is being created or changed. It may not be usable, and AWS refuses changes."""
    DELETING = "deleting"
    """AWS is deleting it."""
    FAILED = "failed"
    """A state that it doesn't leave by itself."""

    @property
    def is_calm(self) -> bool:
        """Whether it can be used."""
        return self in (Activity.STEADY, Activity.OCCUPIED)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that isn't as wanted. `path` is dotted, like `bucket.publicAccessBlock`.

    `refusal` says why it can't be corrected at all, or not without losing data. `later` says why it
    can't be corrected yet. Both are empty if an update can correct it.
    """

    path: str
    wanted: str
    actual: str
    refusal: str = ""
    later: str = ""

    @property
    def fixable(self) -> bool:
        """Whether an update can correct it now."""
        return not (self.refusal or self.later)


@dataclass(frozen=True, slots=True)
class PartStatus:
    """What AWS says of one resource.

    `state` is AWS's word for the state. `pending` is what AWS has yet to do and the state doesn't
    show. `version` is the version that it has or is being upgraded to. `remedy` says what to do
    about a state that doesn't pass, `note` what users of a ready one should know. `lasts`: AWS
    deletes it in its own time, and shows that meanwhile.
    """

    activity: Activity = Activity.STEADY
    state: str = ""
    pending: str = ""
    version: str = ""
    remedy: str = ""
    note: str = ""
    arn: str = ""
    endpoint: str = ""
    lasts: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """What was found at AWS for a Target.

    `main` is the status of the part that holds the data. `conflicts` names resources that have our
    name but not our tags; they count as absent. `released`: nothing exists beyond what the
    deletion policy Retain keeps. `lacks_credentials`: missing parts can't be created before the
    Secret holds credentials. `credentials_valid`: AWS accepts the credentials in the Target's
    Secret. `ids` are the names of the parts, `seen` the resources that are ours.
    """

    presence: Presence
    main: PartStatus = PartStatus()
    conflicts: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    credentials_valid: bool = False
    released: bool = False
    lacks_credentials: bool = False
    ids: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, Found] = field(default_factory=dict, repr=False)

    @property
    def ready(self) -> bool:
        """Whether Apps can use it, given that the Secret is published."""
        return (
            self.presence is Presence.PRESENT
            and self.main.activity.is_calm
            and not self.conflicts
            and self.credentials_valid
        )
