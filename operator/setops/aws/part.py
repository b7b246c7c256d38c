"""A part: one AWS resource of a Service, whether it exists or not.

A part knows how to find its resource, whose it is, and how to create, compare, change and delete
it. `composite` decides in which order that happens to the parts of a Service, and leaves alone what
is somebody else's. Methods are called in threads and may raise whatever boto3 raises. They can be
killed between any two API calls, so each starts from what exists.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

    `path` begins with the kind of the part. `argument` holds the arguments that set it in the call
    that changes the resource. `refusal` and `later` mean the same as in a Difference.
    """

    path: str
    wanted: str | int | bool | None
    actual: str | int | bool | None
    argument: Mapping[str, Any] = field(default_factory=dict)
    refusal: str = ""
    later: str = ""

    @property
    def fixable(self) -> bool:
        """Whether the call can be made now, and loses no data."""
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
    `label` what it is called in messages. `auxiliary`: it only serves the main part; if it is
    missing, the Service counts as drifted, not as new. `tags_listed`: what `find` and `inventory`
    return includes the tags, so no further call is needed for them. `gone_codes`: the error codes
    by which AWS says that it doesn't exist.
    """

    kind: ClassVar[str]
    label: ClassVar[str]
    api: ClassVar[ApiUse]
    auxiliary: ClassVar[bool] = False
    tags_listed: ClassVar[bool] = True
    gone_codes: ClassVar[frozenset[str]] = frozenset()

    id: str
    identity: Identity

    @property
    def key(self) -> str:
        """The key of its id in the Service's status.

        It differs from `kind` if a Service has several such parts.
        """
        return self.kind

    @property
    def message(self) -> str:
        """What it is called in messages: `S3 bucket setops-…`."""
        return f"{self.label} {self.id}"

    @classmethod
    def inventory(cls, clients: AccountClients) -> Mapping[str, Found] | None:  # noqa: ARG003
        """All resources of the kind in the account, by `inventory_key`, read page by page.

        None if AWS only describes them one by one.
        """
        return None

    @property
    def inventory_key(self) -> str:
        """The key of this part in the inventory."""
        return self.id

    @abstractmethod
    def find(self) -> Found | None:
        """The resource as it is now, whoever made it."""

    @abstractmethod
    def tags(self, found: Found) -> Mapping[str, str] | None:
        """Its tags. None if it no longer exists."""

    def ownership(self, found: Found | None) -> Ownership:
        """Whose it is."""
        tags = None if found is None else self.tags(found)
        if tags is None:
            return Ownership.NOBODY
        return Ownership.OURS if self.identity.owns(tags) else Ownership.FOREIGN

    @abstractmethod
    def create(self, ids: Mapping[str, str]) -> Found | None:
        """Make it, with its tags in the same call. One that exists is left as it is.

        `ids` are the references of the parts that were made before it. Returns the resource if all
        its fields are set. None: the caller finds it again, checks whose it is, and sets the rest.
        """

    def reference(self, found: Found) -> str:  # noqa: ARG002
        """The id by which other parts refer to it."""
        return self.id

    def status(self, found: Found) -> PartStatus:  # noqa: ARG002
        """What AWS says of it. Pure."""
        return PartStatus()

    def examine(self, found: Found) -> Found:
        """The resource, with the details that take extra calls."""
        return found

    def fields(self, found: Found, ids: Mapping[str, str]) -> Iterable[Field]:  # noqa: ARG002
        """Every field that we set, of a resource that was examined. Pure."""
        return ()

    def put(self, found: Found, fields: Sequence[Field]) -> Iterator[str]:
        """Set these fields. Yields the path of each as soon as AWS has accepted it.

        Those that aren't yielded are left for another time. An error ends it in between.
        """
        raise NotImplementedError(f"{self.message} has no fields: {fields} of {found}")

    @abstractmethod
    def delete(self, found: Found) -> bool:
        """Delete it, or as much of it as one call should; returns whether it is gone."""


class Guard(Part):
    """A part that is used with credentials."""

    @abstractmethod
    def accepts(self, found: Found, credentials: Mapping[str, str]) -> bool:
        """Whether it accepts these credentials. Pure."""

    @abstractmethod
    def is_revoked(self, found: Found) -> bool:
        """Whether it accepts no credentials at all. Pure."""

    @abstractmethod
    def revoke(self, found: Found) -> None:
        """Make all credentials invalid, and keep the data."""


class Issuer(Guard):
    """A part whose credentials AWS issues."""

    @abstractmethod
    def issue(self, credentials: Mapping[str, str]) -> Mapping[str, str]:
        """These credentials if they are valid, else new ones, to be stored at once.

        Credentials that nobody can know any more are deleted first.
        """
