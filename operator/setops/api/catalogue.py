"""The types of Services, and the checks that all types share.

Pure, so that plans, the CLI and the operator refuse the same things in the same words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from setops.api.engine_version import EngineVersion
from setops.api.errors import Code, Problem, ProblemsError, Validator
from setops.api.service_option import Options, OptionValue
from setops.api.service_type import DeletionPolicy, LinkBy, ServiceType, Wish
from setops.api.services import documentdb, elasticsearch, postgresql, redis, s3, volume

_ALL: Final = (
    postgresql.TYPE,
    redis.TYPE,
    s3.TYPE,
    volume.TYPE,
    elasticsearch.TYPE,
    documentdb.MONGODB,
    documentdb.TYPE,
)

TYPES: Final[Mapping[str, ServiceType]] = {kind.name: kind for kind in _ALL}
SUPPORTED: Final = tuple(kind.name for kind in _ALL if kind.supported)

_VERSION: Final = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*(\.x)?")
"""A version that a Service may ask for. AWS doesn't read zeros in front of a number."""


def check_type(name: str) -> list[Problem]:
    """The problem with a type that is unknown, or not supported yet."""
    supported = ", ".join(SUPPORTED)
    if name not in TYPES:
        message = f"there is no service type {name!r}; use one of: {supported}"
        return [Problem("type", Validator.NOT_INCLUDED, message)]
    if not TYPES[name].supported:
        message = f"services of type {name} are currently not supported; supported: {supported}"
        return [Problem("type", Validator.NOT_INCLUDED, message, Code.CURRENTLY_NOT_SUPPORTED)]
    return []


def check_options(
    type_name: str, version: str | None, plan: str | None, options: Options
) -> list[Problem]:
    """Everything that is wrong with a Service's version, plan and options.

    For a type that isn't supported, only the problem of `check_type` is returned. None means unset,
    and then the type's default applies.
    """
    problems = check_type(type_name)
    if problems:
        return problems
    kind = TYPES[type_name]
    problems += _check_version(kind, version)
    problems += _check_plan(kind, plan)
    for name, value in options.items():
        parsed = parse_option(type_name, name, value)
        if isinstance(parsed, Problem):
            problems.append(parsed)
    return problems or kind.check_options(resolve_options(type_name, options))


def check_change(type_name: str, before: Wish, after: Wish) -> list[Problem]:
    """The changes that AWS can't make to an existing Service. Both sides must have passed
    `check_options`."""
    kind = TYPES[type_name]
    sides = [
        replace(wish, options=resolve_options(type_name, wish.options)) for wish in (before, after)
    ]
    return [*_check_older_version(before.version, after.version), *kind.check_change(*sides)]


def check_policy(type_name: str, policy: str) -> list[Problem]:
    """The problem with a deletion policy that the type doesn't allow. S3, for example, has no
    snapshots."""
    kind = TYPES.get(type_name)
    if kind is None or policy in kind.policies:
        return []
    allowed = ", ".join(kind.policies)
    why = (
        f"{kind.product} has no final snapshots"
        if policy == DeletionPolicy.SNAPSHOT
        else f"there is no deletion policy {policy!r}"
    )
    return [Problem("deletionPolicy", Validator.NOT_INCLUDED, f"{why}; use one of: {allowed}")]


def check_link(type_name: str, link_by: LinkBy) -> list[Problem]:
    """The problem with linking a Service of this type this way; it names the right flag."""
    kind = TYPES.get(type_name)
    if kind is None or kind.link_by is link_by:
        return []
    wanted = kind.link_by
    message = f"a service of type {type_name} is linked with --{wanted}, not with --{link_by}"
    return [Problem(wanted.replace("-", "_"), Validator.REQUIRED, message)]


def parse_option(type_name: str, name: str, value: OptionValue) -> OptionValue | Problem:
    """The typed value of one option, or its problem. Raises KeyError for an unknown type."""
    kind = TYPES[type_name]
    spec = kind.option(name)
    if spec is not None:
        return spec.parse(value)
    known = ", ".join(option.name for option in kind.options if not option.later)
    use = f"it has: {known}" if known else "it has none"
    message = f"type {type_name} has no option {name!r}; {use}"
    return Problem(f"options.{name}", Validator.NOT_INCLUDED, message)


def resolve_options(type_name: str, options: Options) -> dict[str, OptionValue]:
    """Options that passed `check_options`, typed and with defaults filled in.

    Raises ProblemsError for options that didn't pass, and KeyError for an unknown type.
    """
    resolved = {
        spec.name: spec.default for spec in TYPES[type_name].options if spec.default is not None
    }
    for name, value in options.items():
        parsed = parse_option(type_name, name, value)
        if isinstance(parsed, Problem):
            raise ProblemsError((parsed,))
        resolved[name] = parsed
    return resolved


def _check_version(kind: ServiceType, version: str | None) -> list[Problem]:
    if version is None:
        return []
    if not kind.versions:
        message = f"type {kind.name} has no versions; leave it out"
        return [Problem("version", Validator.INVALID, message)]
    if _VERSION.fullmatch(version) and str(EngineVersion.parse(version).major) in kind.versions:
        return []
    message = f"type {kind.name} has no version {version!r}; use: {', '.join(kind.versions)}"
    return [Problem("version", Validator.NOT_INCLUDED, message)]


def _check_older_version(before: str | None, after: str | None) -> list[Problem]:
    if before is None or after is None:
        return []
    old, new = EngineVersion.parse(before), EngineVersion.parse(after)
    if new >= old or old.is_of(new):
        return []
    message = (
        f"version is {before} and can't go back to {after}; create another Service of that version "
        "and move the data"
    )
    return [Problem("version", Validator.GREATER_THAN_OR_EQUAL, message)]


def _check_plan(kind: ServiceType, plan: str | None) -> list[Problem]:
    if plan is None:
        return []
    if kind.plan is None:
        return [Problem("plan", Validator.INVALID, f"type {kind.name} has no plans; leave it out")]
    if re.fullmatch(kind.plan.pattern, plan):
        return []
    if plan in kind.plan.later:
        message = f"plan {plan} is currently not supported; use {kind.plan.hint}"
        return [Problem("plan", Validator.NOT_INCLUDED, message, Code.CURRENTLY_NOT_SUPPORTED)]
    message = f"type {kind.name} has no plan {plan!r}; use {kind.plan.hint}"
    return [Problem("plan", Validator.NOT_INCLUDED, message)]
