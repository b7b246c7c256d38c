"""A part: one AWS resource of a Service, whether it exists or not.

A part knows how it is found, told apart, made, compared, changed and deleted. In which order that
happens to the parts of a Service, and what becomes of those that are somebody else's, is the
composite's. Methods are called in threads, may raise whatever boto3 raises, and can be killed
between any two API calls: each starts from what is there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from setops.aws.api_use import ApiUse
from setops.aws.clients import AccountClients
from setops.aws.identity import Identity
from setops.aws.observation import Difference, Found, PartStatus
from setops.aws.ownership import Ownership


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that we set of a resource: what it should be, what it is, and how it is set.

    `path` begins with the kind of the part. `argument` is what the call that changes the resource
    takes for it. `refusal` and `later` are those of a Difference.
    """

    path: str
    wanted: str | int | bool | None
    actual: str | int | bool | None
    argument: Mapping[str, Any] = field(default_factory=dict)
    refusal: str = ""
    later: str = ""

    @property
    def fixable(self) -> bool:
        """Whether the call can be made now, and would lose nothing."""
        return not (self.refusal or self.later)

    def difference(self) -> Difference | None:
        """What isn't as wanted; None when it is."""
        if self.wanted == self.actual:
            return None
        wanted, actual = _shown(self.wanted), _shown(self.actual)
        return Difference(self.path, wanted, actual, self.refusal, self.later)


def _shown(value: str | int | bool | None) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "on" if value else "off"
        case _:
            return str(value)


@dataclass(frozen=True)
class Part(ABC):
    """The resource `id` of an owner.

    `kind` is the key of its id in the Service's status and the first word of its fields' paths,
    `label` what it is called in messages. `auxiliary`: it is there for the sake of the main part,
    so a Service without it is one to be put right and not one to be made. `tags_listed`: what is
    found of it holds its tags, so that nobody has to ask for them.
    """

    kind: ClassVar[str]
    label: ClassVar[str]
    api: ClassVar[ApiUse]
    auxiliary: ClassVar[bool] = False
    tags_listed: ClassVar[bool] = True

    id: str
    identity: Identity

    @property
    def key(self) -> str:
        """Of its id in the Service's status; differs from `kind` where there are several."""
        return self.kind

    @property
    def message(self) -> str:
        """What it is called in messages: `S3 bucket setops-…`."""
        return f"{self.label} {self.id}"

    @classmethod
    def inventory(cls, clients: AccountClients) -> Mapping[str, Found] | None:  # noqa: ARG003
        """All resources of the kind in the account, in a number of calls that doesn't grow with
        each Service; None where AWS describes them one by one."""
        return None

    @property
    def inventory_key(self) -> str:
        """Under which the inventory has it."""
        return self.id

    @abstractmethod
    def find(self) -> Found | None:
        """The resource as it is now, whoever made it."""

    @abstractmethod
    def tags(self, found: Found) -> Mapping[str, str] | None:
        """Its tags. None when it turns out to be gone by now."""

    def ownership(self, found: Found | None) -> Ownership:
        """Whose it is."""
        tags = None if found is None else self.tags(found)
        if tags is None:
            return Ownership.NOBODY
        return Ownership.OURS if self.identity.owns(tags) else Ownership.FOREIGN

    @abstractmethod
    def create(self, ids: Mapping[str, str]) -> Found | None:
        """Make it, with its tags in the same call. One that exists is left as it is.

        `ids` are what AWS calls the parts that were made before. Returns what was made, if nothing
        of it is left to be set; None: it is looked at again, whose it is included.
        """

    def reference(self, found: Found) -> str:  # noqa: ARG002
        """What other parts call it by."""
        return self.id

    def status(self, found: Found) -> PartStatus:  # noqa: ARG002
        """What AWS says of it. Pure."""
        return PartStatus()

    def examine(self, found: Found) -> Found:
        """What was found, with what only calls of its own tell."""
        return found

    def fields(self, found: Found, ids: Mapping[str, str]) -> Iterable[Field]:  # noqa: ARG002
        """Every field that we set, of what was found and examined. Pure."""
        return ()

    def put(self, found: Found, fields: Sequence[Field]) -> None:
        """Set these fields."""
        raise NotImplementedError(f"{self.message} has no fields: {fields} of {found}")

    @abstractmethod
    def delete(self, found: Found) -> bool:
        """Delete it, or a share of it; whether it is gone by now."""


class Guard(Part):
    """A part that lets in whoever has the credentials."""

    @abstractmethod
    def accepts(self, found: Found, credentials: Mapping[str, str]) -> bool:
        """Whether these credentials are good for it. Pure."""

    @abstractmethod
    def is_revoked(self, found: Found) -> bool:
        """Whether it lets nobody in. Pure."""

    @abstractmethod
    def revoke(self, found: Found) -> None:
        """Let nobody in from now on, and leave the data."""


class Issuer(Guard):
    """A part for which AWS itself makes the credentials."""

    @abstractmethod
    def issue(self, credentials: Mapping[str, str]) -> Mapping[str, str]:
        """These credentials if they are good; else new ones, to be stored at once.

        Those that nobody holds are deleted first.
        """
