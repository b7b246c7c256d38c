"""What every product offers: four verbs and an observation that is data.

A product is a stateless object. Its verbs are called in threads, may raise whatever boto3 raises
(the gateway classifies it) and can be killed between any two API calls: each starts from what is
there. A resource that lacks our tags is never changed and never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from setops.aws.clients import AccountClients
from setops.aws.target import Target


class Presence(Enum):
    """How much of what a Service needs exists at AWS with our tags."""

    ABSENT = "absent"
    PARTIAL = "partial"
    PRESENT = "present"


class Phase(Enum):
    """What AWS itself is doing with the resource."""

    STEADY = "steady"
    OCCUPIED = "occupied"
    """It can be used, but AWS is at work on it and refuses changes: a backup, for one."""
    BUSY = "busy"
    """It is being created or changed; it can't be relied on, and refuses changes."""
    DELETING = "deleting"
    """It is on its way out."""
    FAILED = "failed"
    """A state that it doesn't leave by itself."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that isn't as wanted. `path` is dotted, like `bucket.publicAccessBlock`.

    `refusal` says why it can't be put right without losing data, `later` why AWS doesn't let it be
    put right yet; both are empty when `update` can.
    """

    path: str
    wanted: str
    actual: str
    refusal: str = ""
    later: str = ""

    @property
    def fixable(self) -> bool:
        """Whether `update` can put it right now."""
        return not (self.refusal or self.later)


@dataclass(frozen=True, slots=True)
class Observation:
    """What was found at AWS for a Target.

    `conflicts` names resources that have our name but not our tags; they count as absent.
    `released`: nothing exists beyond what the deletion policy Retain keeps.
    `lacks_credentials`: what is missing can't be made before the Secret holds credentials.
    `credentials_valid`: the credentials in the Target's Secret exist and are active at AWS.
    `state` is AWS's word for the state, `pending` what AWS has yet to do beside what that says,
    `version` that which it has or is on the way to, `remedy` what can be done about a state that
    doesn't pass, `note` what users of one that is ready should know, `ids` the names of the parts,
    for the Service's status.
    """

    presence: Presence
    phase: Phase = Phase.STEADY
    state: str = ""
    pending: str = ""
    version: str = ""
    remedy: str = ""
    note: str = ""
    conflicts: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    credentials_valid: bool = False
    released: bool = False
    lacks_credentials: bool = False
    arn: str = ""
    endpoint: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether Apps can use it, given that the Secret is published."""
        return (
            self.presence is Presence.PRESENT
            and self.phase in (Phase.STEADY, Phase.OCCUPIED)
            and not self.conflicts
            and self.credentials_valid
        )


Described = Mapping[str, Any]
"""A resource as a Describe call of AWS has it."""

Survey = Mapping[str, Mapping[str, Described]]
"""What all Services of a product in an account and region have, by kind of resource and by name,
as AWS describes it. Read in bulk, shared by all who ask, and never changed."""


class Product(Protocol):
    """One AWS product. `type` is its name in the catalogue.

    `terminal_codes` are AWS error codes that only a user can clear, beyond those that mean the
    same for all products, each with what that user can do.
    """

    @property
    def type(self) -> str: ...

    @property
    def terminal_codes(self) -> Mapping[str, str]: ...

    def ids(self, target: Target) -> Mapping[str, str]:
        """The names that the parts have or will have; known, and to be stored, before creation."""
        ...

    def survey(self, clients: AccountClients) -> Survey:
        """What there is in the account, in a number of calls that doesn't grow with each Service.

        Empty for a product whose resources AWS only describes one by one.
        """
        ...

    def observe(self, clients: AccountClients, target: Target, survey: Survey) -> Observation:
        """What is there, given a survey. Reads only, and of the one Service at most."""
        ...

    def create(self, clients: AccountClients, target: Target) -> None:
        """Makes what is missing, tagged in the create call, and adopts what carries our tags.

        Relies on no survey: what it doesn't find at AWS now, it makes.
        """
        ...

    def update(self, clients: AccountClients, target: Target, observation: Observation) -> None:
        """Puts those of the observation's differences right that are fixable."""
        ...

    def release(self, clients: AccountClients, target: Target) -> None:
        """Takes away access and leaves the data: the deletion under policy Retain."""
        ...

    def delete(self, clients: AccountClients, target: Target) -> None:
        """Deletes all parts, as the Target's deletion policy asks. What is gone is a success."""
        ...

    def issue_credentials(self, clients: AccountClients, target: Target) -> Mapping[str, str]:
        """New credentials, made by AWS, to be stored in the Secret at once.

        Those that the Secret doesn't hold are deleted first. Products whose credentials we
        generate have nothing to do here and return those of the Target.
        """
        ...

    def connection(self, target: Target, observation: Observation) -> Mapping[str, str]:
        """The entries of the published Secret; `url` is the value of a link. Pure."""
        ...
