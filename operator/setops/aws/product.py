"""A product: a declaration of the parts that make up one type of Service.

Products differ only in what this class declares. Observation, ownership, conflicts, order,
adoption, release and deletion are the same for all, and in `composite`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from setops.api.catalogue import TYPES
from setops.api.service_type import DeletionPolicy
from setops.aws.api_use import ApiUse, Statement
from setops.aws.clients import AccountClients
from setops.aws.observation import Found, Inventory, Observation
from setops.aws.part import Part
from setops.aws.target import Target


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts of one Service in the order of creation; they are deleted in reverse.

    `main` is the one that holds the data. `retired` are the keys of parts that an earlier version
    of the Service needed. They aren't created, and they are deleted once they aren't `held`, that
    is, used by the main part.
    """

    parts: tuple[Part, ...]
    main: Part
    retired: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()

    @property
    def wanted(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.key not in self.retired)

    @property
    def surplus(self) -> frozenset[str]:
        """The keys of parts that nothing needs any more."""
        return self.retired - self.held


class Product(ABC):
    """One AWS product.

    `type_name` is its name in the catalogue. `noun` names the part that holds the data, in
    messages: "a bucket". `part_types` are all its kinds of parts, `part_keys` the keys of the parts
    whose names are stored from the start. `in_network`: it lives in the Organization's network.
    `replaces_lost`: a main part that somebody else has deleted is created again, empty.
    `required_credentials` are entries that the Secret must hold before anything is created. They
    are empty if AWS issues the credentials, or if there are none.
    """

    type_name: ClassVar[str]
    noun: ClassVar[str]
    part_types: ClassVar[tuple[type[Part], ...]]
    part_keys: ClassVar[tuple[str, ...]]
    in_network: ClassVar[bool] = False
    replaces_lost: ClassVar[bool] = False
    required_credentials: ClassVar[tuple[str, ...]] = ()

    def serves(self, plan: str | None) -> bool:  # noqa: ARG002
        """Whether it builds this plan of its type; another product may build others."""
        return True

    @abstractmethod
    def name(self, target: Target, key: str) -> str:
        """The name of one of its parts by the naming rule. Pure."""

    def ids(self, target: Target) -> dict[str, str]:
        """The id of each part by its key: the stored one, else by the naming rule. Pure."""
        missing = [key for key in self.part_keys if key not in target.ids]
        return {**{key: self.name(target, key) for key in missing}, **target.ids}

    @abstractmethod
    def assemble(self, clients: AccountClients, target: Target, main: Found | None) -> Assembly:
        """The parts, given the main part's resource if there is one of ours. Makes no call."""

    @abstractmethod
    def connection(self, target: Target, observation: Observation) -> Mapping[str, str]:
        """The entries of the published Secret; `url` is the value of a link. Pure."""

    def generate_credentials(self, held: Mapping[str, str]) -> Mapping[str, str]:
        """Credentials that we generate: those that are `held`, else new ones.

        For products with `required_credentials`.
        """
        return held

    def usable(self, held: Mapping[str, str]) -> Mapping[str, str]:
        """The entries of the Secret without credentials that AWS would refuse. Pure.

        Somebody may have edited them by hand; then they count as lost.
        """
        return held

    @property
    def policies(self) -> Collection[DeletionPolicy]:
        """The deletion policies that it supports."""
        return TYPES[self.type_name].policies

    @cached_property
    def uses(self) -> tuple[ApiUse, ...]:
        """The APIs of its parts."""
        return tuple(dict.fromkeys(each.api for each in self.part_types))

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The rights that the operator needs for it. They fit into one managed policy."""
        return tuple(each for use in self.uses for each in use.statements)

    @cached_property
    def wait_codes(self) -> frozenset[str]:
        """Error codes that pass by themselves: Reconciling, and looked at again soon."""
        return frozenset(code for use in self.uses for code in use.wait_codes)

    @cached_property
    def stall_codes(self) -> Mapping[str, str]:
        """Error codes that somebody has to clear: Stalled, with what to do."""
        return {code: remedy for use in self.uses for code, remedy in use.stall_codes.items()}

    def inventory(self, clients: AccountClients) -> Inventory:
        """The account's resources of all kinds of parts that AWS lists in bulk."""
        listed = {each.kind: each.inventory(clients) for each in self.part_types}
        return {kind: found for kind, found in listed.items() if found is not None}
