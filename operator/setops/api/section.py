"""The sections of a Stage definition: its maps by name, and all that is said of each as a whole."""

from __future__ import annotations

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
"""What stands under a name in a section."""


# Equal only to itself: there is one of each.
@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Section:
    """One map of the definition. As text it is its name: `apps`.

    `missing` and `taken` are the codes of an entry that doesn't exist or exists already. `create`
    is the command that makes one. `blank` is an entry in which nothing is set, where that is valid.
    `key_rules` are those of the maps in an entry.
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

    def path(self, name: str) -> str:
        """The path of an entry in the definition: `apps.web`."""
        return f"{self.name}.{name}"

    def name_problem(self, name: str) -> Problem | None:
        """What is wrong with the name of an entry, or None."""
        return self.name_rule.problem(self.path(name), name)

    def __str__(self) -> str:
        return self.name


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
"""In the order in which they are written: Apps link Services."""

_BY_NAME: Final = {section.name: section for section in SECTIONS}
_BY_KIND: Final = {section.kind.kind: section for section in SECTIONS}


def section_named(name: str) -> Section | None:
    """The section of that name, or None."""
    return _BY_NAME.get(name)


def section_of(kind: str) -> Section:
    """The section that holds entries of a kind; KeyError for a kind that none holds."""
    return _BY_KIND[kind]
