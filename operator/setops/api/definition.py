"""The Stage definition: the one domain model. Apps, Services and Notifications by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError

from setops.api import names
from setops.api.app import AppSpec
from setops.api.errors import Code, Problem, ProblemsError, Validator, problems_of
from setops.api.kinds import APP, NOTIFICATION, SERVICE, Kind
from setops.api.model import Model
from setops.api.notification import NotificationSpec
from setops.api.service import ServiceSpec

MAX_APPS: Final = 200
MAX_SERVICES: Final = 200
MAX_NOTIFICATIONS: Final = 100

Entry = AppSpec | ServiceSpec | NotificationSpec
"""What stands under a name in one of the definition's maps."""


class StageDefinition(Model):
    """Everything that Changesets change on a Stage."""

    apps: Annotated[dict[str, AppSpec], Field(max_length=MAX_APPS)] = Field(
        default_factory=dict, description="Apps by name."
    )
    services: Annotated[dict[str, ServiceSpec], Field(max_length=MAX_SERVICES)] = Field(
        default_factory=dict, description="Services by name."
    )
    notifications: Annotated[dict[str, NotificationSpec], Field(max_length=MAX_NOTIFICATIONS)] = (
        Field(default_factory=dict, description="Notifications by name.")
    )

    def section(self, name: str) -> Mapping[str, Entry]:
        """One of the three maps by its name: apps, services, notifications."""
        section: Mapping[str, Entry] = getattr(self, name)
        return section


MODELS: Final[Mapping[str, type[AppSpec] | type[ServiceSpec] | type[NotificationSpec]]] = {
    "apps": AppSpec,
    "services": ServiceSpec,
    "notifications": NotificationSpec,
}
SECTIONS: Final[Mapping[str, Kind]] = {
    "services": SERVICE,
    "apps": APP,
    "notifications": NOTIFICATION,
}
"""The definition's maps and the kinds of their entries, in the order in which they are written."""


def load(raw: Mapping[str, Any]) -> StageDefinition:
    """A definition from JSON in the resources' spelling; ProblemsError names all that is wrong."""
    try:
        return StageDefinition.model_validate(raw)
    except ValidationError as error:
        raise ProblemsError(problems_of(error)) from None


_NAME_RULES: Final = {
    "apps": (
        names.APP_NAME,
        Code.APP_NAME_INVALID,
        "an App's name has 3 to 16 lowercase letters, digits and dashes, begins with a letter "
        "and ends with a letter or digit",
    ),
    "services": (
        names.SERVICE_NAME,
        Code.SERVICE_NAME_INVALID,
        "a Service's name has 3 to 18 lowercase letters, digits and dashes, begins with a letter "
        "and ends with a letter or digit",
    ),
    "notifications": (
        names.NOTIFICATION_NAME,
        Code.NOTIFICATION_NAME_INVALID,
        "a Notification's name has at most 63 lowercase letters, digits and dashes",
    ),
}


def name_problem(section: str, name: str) -> Problem | None:
    """What is wrong with the name of an entry, or None."""
    pattern, code, rule = _NAME_RULES[section]
    if re.fullmatch(pattern, name):
        return None
    return Problem(
        f"{section}.{name}", Validator.INVALID_FORMAT, f"{name!r} is not a valid name: {rule}", code
    )


def check_links(definition: StageDefinition) -> tuple[Problem, ...]:
    """What only the whole definition can tell: links to missing Services, variables set twice."""
    found = []
    for name, app in definition.apps.items():
        taken: dict[str, str] = {}
        for service, link in (app.links or {}).items():
            field = f"apps.{name}.links.{service}"
            if service not in definition.services:
                found.append(
                    Problem(
                        field,
                        Validator.NOT_FOUND,
                        f"App {name!r} links Service {service!r}, which doesn't exist; "
                        f"create it or unlink it (--app {name} link:destroy {service})",
                        Code.SERVICE_DOES_NOT_EXIST,
                    )
                )
                continue
            kind = definition.services[service].type
            if (kind == "volume") != (link.path is not None):
                needs = "a path" if kind == "volume" else "an env key"
                found.append(
                    Problem(
                        field,
                        Validator.REQUIRED,
                        f"a link to {service!r} ({kind}) needs {needs}",
                    )
                )
            if link.env_key is None:
                continue
            if link.env_key in (app.env or {}) or link.env_key in taken:
                other = taken.get(link.env_key)
                by = f"the link to {other!r}" if other else "env"
                found.append(
                    Problem(
                        f"{field}.envKey",
                        Validator.TAKEN,
                        f"App {name!r}: {link.env_key} is already set by {by}; "
                        "choose another env key",
                    )
                )
            taken[link.env_key] = service
    return tuple(found)
