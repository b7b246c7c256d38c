"""The sections of a Stage definition: its maps by name, and the rules for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from setops.api import names
from setops.api.app import AppSpec
from setops.api.errors import Code, Problem
from setops.api.keys import APP_KEYS, KeyRule
from setops.api.kinds import APP, NOTIFICATION, SERVICE, Kind
from setops.api.names import NameRule
from setops.api.notification import NotificationSpec
from setops.api.service import ServiceSpec

Entry = AppSpec | ServiceSpec | NotificationSpec
"""An entry of a section."""


# Compared by identity: there is one of each.
@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Section:
    """One map of the definition. `str` gives its name: `apps`.

    `missing` is the error code for an entry that doesn't exist, `taken` for one that exists
    already. `create` is the command that creates an entry. `blank` is an entry with nothing set,
    where that is valid. `key_rules` are the rules for the maps inside an entry.
    """

    name: str
    kind: Kind
    model: type[AppSpec] | type[ServiceSpec] | type[NotificationSpec]
    limit: int
    name_rule: NameRule
    missing: Code
    taken: Code
    create: str
    blank: Entry | None = None
    key_rules: tuple[KeyRule, ...] = ()

    def path(self, name: str, *fields: str) -> str:
        """The path of an entry, or of a field in it, in the definition: `apps.web.env.KEY`."""
        return ".".join((self.name, name, *fields))

    def name_problem(self, name: str) -> Problem | None:
        """What is wrong with the name of an entry, or None."""
        return self.name_rule.problem(self.path(name), name)

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Callable[[str], Section], tuple[str]]:
        return section_of, (self.kind.kind,)  # also in another process there is one of each


APPS: Final = Section(
    name="apps",
    kind=APP,
    model=AppSpec,
    limit=200,
    name_rule=names.APP_NAME,
    missing=Code.APP_DOES_NOT_EXIST,
    taken=Code.APP_ALREADY_EXISTS,
    create="app:create NAME",
    blank=AppSpec(),
    key_rules=tuple(APP_KEYS.values()),
)
SERVICES: Final = Section(
    name="services",
    kind=SERVICE,
    model=ServiceSpec,
    limit=200,
    name_rule=names.SERVICE_NAME,
    missing=Code.SERVICE_DOES_NOT_EXIST,
    taken=Code.SERVICE_ALREADY_EXISTS,
    create="service:create NAME --type TYPE",
)
NOTIFICATIONS: Final = Section(
    name="notifications",
    kind=NOTIFICATION,
    model=NotificationSpec,
    limit=100,
    name_rule=names.NOTIFICATION_NAME,
    missing=Code.VALIDATION_FAILED,
    taken=Code.VALIDATION_FAILED,
    create="notification:create NAME --type TYPE --target TARGET",
)

SECTIONS: Final = (SERVICES, APPS, NOTIFICATIONS)
"""In the order in which a commit writes them. Services come first, since Apps link them."""

_BY_NAME: Final = {section.name: section for section in SECTIONS}
_BY_KIND: Final = {section.kind.kind: section for section in SECTIONS}


def section_named(name: str) -> Section | None:
    """The section of that name, or None."""
    return _BY_NAME.get(name)


def section_of(kind: str) -> Section:
    """The section for a kind. Raises KeyError if there is none."""
    return _BY_KIND[kind]
