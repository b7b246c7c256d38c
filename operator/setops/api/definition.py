"""The Stage definition, the central model: Apps, Services and Notifications by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, ValidationError

from setops.api import catalogue
from setops.api.app import AppSpec
from setops.api.errors import Code, Problem, ProblemsError, Validator, quoted
from setops.api.kinds import Object
from setops.api.model import Model
from setops.api.notification import NotificationSpec
from setops.api.section import APPS, NOTIFICATIONS, SERVICES, Entry, Section
from setops.api.service import ServiceSpec
from setops.api.service_type import LinkBy
from setops.api.validation import problems_of


class StageDefinition(Model):
    """Everything that Changesets change on a Stage."""

    apps: Annotated[dict[str, AppSpec], Field(max_length=APPS.limit)] = Field(
        default_factory=dict, description="Apps by name."
    )
    services: Annotated[dict[str, ServiceSpec], Field(max_length=SERVICES.limit)] = Field(
        default_factory=dict, description="Services by name."
    )
    notifications: Annotated[dict[str, NotificationSpec], Field(max_length=NOTIFICATIONS.limit)] = (
        Field(default_factory=dict, description="Notifications by name.")
    )

    def section(self, section: Section) -> Mapping[str, Entry]:
        """The entries of a section by name."""
        entries: Mapping[str, Entry] = getattr(self, section.name)
        return entries

    def with_sections(self, sections: Mapping[Section, Mapping[str, Entry]]) -> StageDefinition:
        """The definition with other, valid entries in some sections."""
        update = {section.name: entries for section, entries in sections.items()}
        return self.model_copy(update=update)


def load(raw: Mapping[str, Any]) -> StageDefinition:
    """A definition from JSON as resources spell it. Raises ProblemsError with everything that is
    wrong."""
    try:
        return StageDefinition.model_validate(raw)
    except ValidationError as error:
        raise ProblemsError(problems_of(error, model=StageDefinition)) from None


def of_resources(resources: Mapping[Section, Iterable[Object]]) -> StageDefinition:
    """The definition that live resources make up. A resource that is being deleted counts as gone.

    Raises ProblemsError for a resource that the API server accepted but a definition can't hold.
    """
    sections: dict[Section, dict[str, Entry]] = {}
    problems: list[Problem] = []
    for section, found in resources.items():
        entries = sections.setdefault(section, {})
        for obj in found:
            if "deletionTimestamp" in obj["metadata"]:
                continue
            name = obj["metadata"]["name"]
            try:
                entries[name] = section.model.model_validate(obj["spec"])
            except ValidationError as error:
                problems += problems_of(error, section.path(name))
    if problems:
        raise ProblemsError(problems)
    return of_entries(sections)


def of_entries(sections: Mapping[Section, Mapping[str, Entry]]) -> StageDefinition:
    """The definition with these valid entries, sorted by name."""
    ordered = {section.name: dict(sorted(entries.items())) for section, entries in sections.items()}
    return StageDefinition.model_construct(**ordered)  # type: ignore[arg-type]


def load_entry(section: Section, name: str, raw: Mapping[str, Any]) -> Entry:
    """One entry as a user wrote it, checked as strictly as the API server does.

    Fields must be spelled as in resources, and no value is converted: what `kubectl apply` refuses
    is refused here too. Raises ProblemsError with everything that is wrong with the name, the keys,
    the values and, for a Service, with what its type allows.
    """
    prefix = section.path(name)
    problems = [problem for problem in (section.name_problem(name),) if problem]
    problems += _key_problems(section, name, raw)
    keyed = {problem.field.rpartition(".")[0] for problem in problems}
    try:
        entry = section.model.model_validate(raw, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        # The models check keys too, but they can name only the map that holds the bad one.
        problems += [
            problem
            for problem in problems_of(error, prefix, section.model)
            if problem.validator is not Validator.INVALID or problem.field not in keyed
        ]
    else:
        if isinstance(entry, ServiceSpec):
            problems += service_problems(name, entry)
    if problems:
        raise ProblemsError(problems)
    return entry


def service_problems(name: str, service: ServiceSpec) -> list[Problem]:
    """What is wrong with a Service for its type, or is not supported by this version."""
    return of_service(name, problems_by_type(service))


def problems_by_type(service: ServiceSpec) -> list[Problem]:
    """The same, without the Service's name: paths begin at the spec."""
    options = service.options.to_json() if service.options else {}
    problems = catalogue.check_options(service.type, service.version, service.plan, options)
    if service.deletion_policy is not None and not problems:
        problems = catalogue.check_policy(service.type, service.deletion_policy)
    return problems


def of_service(name: str, problems: Iterable[Problem]) -> list[Problem]:
    """The catalogue's problems, which name no Service, put in terms of this one."""
    return [
        replace(
            problem.under(SERVICES.path(name)),
            message=f"Service {quoted(name)}: {problem.message}",
        )
        for problem in problems
    ]


def _key_problems(section: Section, name: str, raw: Mapping[str, Any]) -> list[Problem]:
    return [
        problem
        for rule in section.key_rules
        if isinstance(raw.get(rule.field), Mapping)
        for key in raw[rule.field]
        if (problem := rule.problem(name, str(key))) is not None
    ]


def check_links(definition: StageDefinition) -> tuple[Problem, ...]:
    """The problems with links that only the whole definition shows.

    A link may name a missing Service or have the wrong form for its Service. A variable or a mount
    path may be taken already.
    """
    return tuple(
        problem
        for name, app in definition.apps.items()
        for problem in _app_links(name, app, definition.services)
    )


def _app_links(name: str, app: AppSpec, services: Mapping[str, ServiceSpec]) -> Iterator[Problem]:
    taken = dict.fromkeys(app.env or {}, "env")
    for service, link in (app.links or {}).items():
        field = f"{APPS.path(name)}.links.{service}"
        if service not in services:
            yield Problem(
                field,
                Validator.NOT_FOUND,
                f"App {name!r} links Service {service!r}, which wouldn't exist then; "
                f"create or keep it, or unlink it (--app {name} link:destroy {service})",
                Code.SERVICE_DOES_NOT_EXIST,
            )
            continue
        by = LinkBy.ENV_KEY if link.path is None else LinkBy.PATH
        for problem in catalogue.check_link(services[service].type, by):
            yield replace(
                problem,
                field=field,
                message=f"App {name!r}, Service {service!r}: {problem.message}",
            )
        # A path always begins with a slash and an env key never does, so one map can hold both.
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
