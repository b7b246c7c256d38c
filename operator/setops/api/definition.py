"""The Stage definition: the one domain model. Apps, Services and Notifications by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError

from setops.api import catalogue, names
from setops.api.app import DOMAIN, AppSpec, reserved_env_key
from setops.api.errors import Code, Problem, ProblemsError, Validator, problems_of, quoted
from setops.api.kinds import APP, NOTIFICATION, SERVICE, Kind, Object
from setops.api.model import Model
from setops.api.notification import NotificationSpec
from setops.api.service import ServiceSpec

MAX_APPS: Final = 200
MAX_SERVICES: Final = 200
MAX_NOTIFICATIONS: Final = 100
LIMITS: Final = {
    "apps": MAX_APPS,
    "services": MAX_SERVICES,
    "notifications": MAX_NOTIFICATIONS,
}
MAX_KEY: Final = 256
"""Characters of a key in one of an App's maps."""

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
        raise ProblemsError(problems_of(error, model=StageDefinition)) from None


def of_resources(resources: Mapping[str, Iterable[Object]]) -> StageDefinition:
    """The definition that live resources make up, given by section; what is going counts as gone.

    Raises ProblemsError for a resource that the API server took and the definition can't hold.
    """
    sections: dict[str, dict[str, Entry]] = {}
    problems: list[Problem] = []
    for section in SECTIONS:
        entries = sections.setdefault(section, {})
        for obj in resources.get(section, ()):
            if "deletionTimestamp" in obj["metadata"]:
                continue
            name = obj["metadata"]["name"]
            try:
                entries[name] = MODELS[section].model_validate(obj["spec"])
            except ValidationError as error:
                problems += problems_of(error, f"{section}.{name}")
    if problems:
        raise ProblemsError(problems)
    ordered = {section: dict(sorted(entries.items())) for section, entries in sections.items()}
    return StageDefinition.model_construct(**ordered)  # type: ignore[arg-type]


def load_entry(section: str, name: str, raw: Mapping[str, Any]) -> Entry:
    """One entry as a user wrote it: as strict as the API server, and checked as a whole.

    Only the resources' own spelling is taken, and no value is converted: what `kubectl apply`
    refuses is refused. ProblemsError names all that is wrong with name, keys, values and, for a
    Service, with what its type allows.
    """
    model = MODELS[section]
    prefix = f"{section}.{name}"
    problems = [problem for problem in (name_problem(section, name),) if problem]
    if section == "apps":
        problems += _key_problems(name, raw)
    keyed = {problem.field.rpartition(".")[0] for problem in problems}
    try:
        entry = model.model_validate(raw, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        # The models check keys too, but can only say which map holds a bad one.
        problems += [
            problem
            for problem in problems_of(error, prefix, model)
            if problem.validator is not Validator.INVALID or problem.field not in keyed
        ]
    else:
        if isinstance(entry, ServiceSpec):
            problems += service_problems(name, entry)
    if problems:
        raise ProblemsError(problems)
    return entry


def service_problems(name: str, service: ServiceSpec) -> list[Problem]:
    """What a Service's type doesn't allow or this version can't build."""
    options = service.options.to_json() if service.options else {}
    problems = catalogue.check_options(service.type, service.version, service.plan, options)
    if service.deletion_policy is not None and not problems:
        problems = catalogue.check_policy(service.type, service.deletion_policy)
    return of_service(name, problems)


def of_service(name: str, problems: Iterable[Problem]) -> list[Problem]:
    """Problems of the catalogue, which knows types and no names, said of one Service."""
    return [
        replace(
            problem.under(f"services.{name}"),
            message=f"Service {quoted(name)}: {problem.message}",
        )
        for problem in problems
    ]


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
        "a Notification's name has at most 63 lowercase letters, digits and dashes, begins "
        "and ends with a letter or digit",
    ),
}


def name_problem(section: str, name: str) -> Problem | None:
    """What is wrong with the name of an entry, or None."""
    pattern, code, rule = _NAME_RULES[section]
    if re.fullmatch(pattern, name):
        return None
    return Problem(
        f"{section}.{name}",
        Validator.INVALID_FORMAT,
        f"{quoted(name)} is not a valid name: {rule}",
        code,
    )


_KEY_RULES: Final = {
    "env": (
        names.ENV_KEY,
        "env key",
        "it begins with a letter or underscore, then letters, digits and underscores, at most 256",
    ),
    "links": (
        names.SERVICE_NAME,
        "Service's name",
        "3 to 18 lowercase letters, digits and dashes",
    ),
    "releases": (r"[1-9][0-9]{0,8}", "release", "releases are numbered 1, 2, 3 and so on"),
    "domains": (DOMAIN, "domain", "write a host name such as www.example.com"),
}


def key_problem(app: str, field: str, key: str) -> Problem | None:
    """What is wrong with a key of an App's map (env, links, releases, domains), or None.

    Source of the reserved env keys: the platform's App settings.
    """
    pattern, what, rule = _KEY_RULES[field]
    path = f"apps.{app}.{field}.{key}"
    if len(key) > MAX_KEY or not re.fullmatch(pattern, key):
        message = f"{quoted(key)} is not a valid {what}: {rule}"
        return Problem(path, Validator.INVALID_FORMAT, message)
    if field == "env" and key in names.RESERVED_ENV_KEYS:
        return Problem(path, Validator.INCLUDED, reserved_env_key(key))
    return None


def _key_problems(app: str, raw: Mapping[str, Any]) -> list[Problem]:
    return [
        problem
        for field in _KEY_RULES
        if isinstance(raw.get(field), Mapping)
        for key in raw[field]
        if (problem := key_problem(app, field, str(key))) is not None
    ]


def check_links(definition: StageDefinition) -> tuple[Problem, ...]:
    """What only the whole definition can tell of links.

    A link to a missing Service, a link of the wrong kind for its Service, a variable or a mount
    path that is taken already.
    """
    return tuple(
        problem
        for name, app in definition.apps.items()
        for problem in _app_links(name, app, definition.services)
    )


def _app_links(name: str, app: AppSpec, services: Mapping[str, ServiceSpec]) -> Iterator[Problem]:
    taken = dict.fromkeys(app.env or {}, "env")
    for service, link in (app.links or {}).items():
        field = f"apps.{name}.links.{service}"
        if service not in services:
            yield Problem(
                field,
                Validator.NOT_FOUND,
                f"App {name!r} links Service {service!r}, which wouldn't exist then; "
                f"create or keep it, or unlink it (--app {name} link:destroy {service})",
                Code.SERVICE_DOES_NOT_EXIST,
            )
            continue
        by = catalogue.LinkBy.ENV_KEY if link.path is None else catalogue.LinkBy.PATH
        for problem in catalogue.check_link(services[service].type, by):
            yield replace(
                problem,
                field=field,
                message=f"App {name!r}, Service {service!r}: {problem.message}",
            )
        # An env key never begins with a slash and a path always does: one map holds both.
        key = link.env_key or link.path or ""
        if key in taken:
            what = "envKey" if link.env_key else "path"
            yield Problem(
                f"{field}.{what}",
                Validator.TAKEN,
                f"App {name!r}: {quoted(key)} is already taken by {taken[key]}; "
                f"choose another for the link to {service!r}",
            )
        taken.setdefault(key, f"the link to {service!r}")
