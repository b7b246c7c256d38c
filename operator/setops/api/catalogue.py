"""The types of Services: versions, plans, options, policies, and the checks on them.

Pure data and pure checks, so that a plan, the CLI and the operator refuse the same things with the
same words. Source of types, options and link values: the platform's table of services; of the
deletion policies and deadlines: the design of this project.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from setops.api.deadlines import READY_SECONDS
from setops.api.errors import Code, Problem, ProblemsError, Validator

OptionValue = str | bool | int | list[str]
"""An option as it stands in a definition. Text is accepted for every option: `"true"`, `"20"`."""


class DeletionPolicy(StrEnum):
    """What becomes of the data when a Service is deleted."""

    SNAPSHOT = "Snapshot"
    """A final snapshot is taken, then the resource goes."""
    RETAIN = "Retain"
    """The resource with its data stays, without credentials; a Service of that name adopts it."""
    DELETE = "Delete"
    """The resource and its data are deleted for good."""


class LinkBy(StrEnum):
    """How an App receives a link: as the value of a variable, or as a mounted path."""

    ENV_KEY = "env-key"
    PATH = "path"


class OptionKind(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One option of a type, named as in resources. Bounds are inclusive.

    A `default` of None means unset. `pattern` must match the whole text, or each item of a list.
    `later` says why this version can't do it, and what to do instead; empty for what it can.
    """

    name: str
    kind: OptionKind
    description: str
    default: OptionValue | None = None
    minimum: int | None = None
    maximum: int | None = None
    pattern: str | None = None
    later: str = ""


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """Which plans a type knows: `pattern` must match the whole plan, `hint` tells a user.

    `later` are plans that the platform knows and this version can't build.
    """

    pattern: str
    default: str
    hint: str
    later: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds after which a Service counts as failed in a commit."""

    create: int
    update: int


@dataclass(frozen=True, slots=True)
class ServiceType:
    """A type of Service. `versions` are major versions; a minor one may follow (`13.4`)."""

    name: str
    product: str
    supported: bool
    link_by: LinkBy
    holds_data: bool
    policies: tuple[DeletionPolicy, ...]
    """The deletion policies that it allows; the first one is the default."""
    deadlines: Deadlines
    versions: tuple[str, ...] = ()
    default_version: str | None = None
    plan: PlanSpec | None = None
    options: tuple[OptionSpec, ...] = field(default=())

    @property
    def default_policy(self) -> DeletionPolicy:
        return self.policies[0]

    def option(self, name: str) -> OptionSpec | None:
        return next((option for option in self.options if option.name == name), None)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a Service's user asks of it."""

    version: str | None
    options: Mapping[str, OptionValue]


_SNAPSHOT_FIRST: Final = (DeletionPolicy.SNAPSHOT, DeletionPolicy.RETAIN, DeletionPolicy.DELETE)
_RETAIN_FIRST: Final = (DeletionPolicy.RETAIN, DeletionPolicy.DELETE)
_SLOW: Final = Deadlines(create=3600, update=7200)
_QUICK: Final = Deadlines(create=READY_SECONDS, update=READY_SECONDS)


def _documentdb(name: str) -> ServiceType:
    return ServiceType(
        name=name,
        product="Amazon DocumentDB",
        supported=False,
        link_by=LinkBy.ENV_KEY,
        holds_data=True,
        policies=_SNAPSHOT_FIRST,
        deadlines=_SLOW,
        versions=("4",),
        default_version="4",
        plan=PlanSpec(r"db\.[a-z0-9]+\.[a-z0-9]+", "db.t3.medium", "db.t3.medium or db.r5.large"),
        options=(
            OptionSpec(
                "scale",
                OptionKind.INTEGER,
                "Number of instances.",
                default=1,
                minimum=0,
                maximum=14,
            ),
        ),
    )


_TYPES: Final = (
    ServiceType(
        name="postgresql",
        product="Amazon RDS for PostgreSQL",
        supported=True,
        link_by=LinkBy.ENV_KEY,
        holds_data=True,
        policies=_SNAPSHOT_FIRST,
        deadlines=_SLOW,
        versions=("13", "14", "15", "16"),
        default_version="16",
        plan=PlanSpec(
            r"db\.[a-z0-9]+\.[a-z0-9]+(\.ha)?",
            "db.t3.micro",
            "an RDS node type such as db.t3.micro, with .ha for Multi-AZ",
            later=("shared",),
        ),
        options=(
            OptionSpec(
                "extensions",
                OptionKind.LIST,
                "PostgreSQL extensions, separated by commas.",
                pattern=r"[a-z][a-z0-9_-]{0,62}",
                later="run CREATE EXTENSION with the user of the link, which may",
            ),
            OptionSpec(
                "minStorage",
                OptionKind.INTEGER,
                "Storage in GB; it can grow, never shrink.",
                default=20,
                minimum=20,
                maximum=65536,
            ),
            OptionSpec(
                "maxStorage",
                OptionKind.INTEGER,
                "Storage in GB up to which it grows by itself; more than minStorage.",
                minimum=20,
                maximum=65536,
            ),
        ),
    ),
    ServiceType(
        name="redis",
        product="Amazon ElastiCache",
        supported=False,
        link_by=LinkBy.ENV_KEY,
        holds_data=True,
        policies=_SNAPSHOT_FIRST,
        deadlines=_SLOW,
        versions=("6", "7"),
        default_version="7",
        plan=PlanSpec(
            r"cache\.[a-z0-9]+\.[a-z0-9]+",
            "cache.t3.micro",
            "an ElastiCache node type such as cache.t3.micro",
        ),
    ),
    ServiceType(
        name="s3",
        product="Amazon S3",
        supported=True,
        link_by=LinkBy.ENV_KEY,
        holds_data=True,
        policies=_RETAIN_FIRST,
        deadlines=_QUICK,
        options=(
            OptionSpec(
                "blockPublicAccess",
                OptionKind.BOOLEAN,
                "Whether objects can never be made public.",
                default=True,
            ),
        ),
    ),
    ServiceType(
        name="volume",
        product="Amazon EFS",
        supported=False,
        link_by=LinkBy.PATH,
        holds_data=True,
        policies=_RETAIN_FIRST,
        deadlines=Deadlines(create=900, update=900),
    ),
    ServiceType(
        name="elasticsearch",
        product="Amazon OpenSearch Service",
        supported=False,
        link_by=LinkBy.ENV_KEY,
        holds_data=True,
        policies=_RETAIN_FIRST,
        deadlines=_SLOW,
        versions=("7",),
        default_version="7",
        plan=PlanSpec(
            r"[a-z0-9]+\.[a-z0-9]+\.elasticsearch(\.sharded|\.ha)?",
            "t3.medium.elasticsearch",
            "an OpenSearch node type such as t3.medium.elasticsearch, with .sharded or .ha",
        ),
        options=(
            OptionSpec(
                "storage",
                OptionKind.INTEGER,
                "Storage in GB of each node.",
                default=10,
                minimum=1,
                maximum=1024,
            ),
        ),
    ),
    _documentdb("mongodb"),
    _documentdb("documentdb"),
)

TYPES: Final[Mapping[str, ServiceType]] = {kind.name: kind for kind in _TYPES}
SUPPORTED: Final = tuple(kind.name for kind in _TYPES if kind.supported)


def check_type(name: str) -> list[Problem]:
    """Whether Services of this type can be made: known at all, and supported by now."""
    if name not in TYPES:
        return [
            Problem(
                "type",
                Validator.NOT_INCLUDED,
                f"there is no service type {name!r}; use one of: {', '.join(SUPPORTED)}",
            )
        ]
    if not TYPES[name].supported:
        return [
            Problem(
                "type",
                Validator.NOT_INCLUDED,
                f"services of type {name} are currently not supported; "
                f"supported: {', '.join(SUPPORTED)}",
                Code.CURRENTLY_NOT_SUPPORTED,
            )
        ]
    return []


def check_options(
    type_name: str, version: str | None, plan: str | None, options: Mapping[str, OptionValue]
) -> list[Problem]:
    """All that is wrong with a Service's version, plan and options.

    For a type that isn't supported the one problem of `check_type` is returned. None means unset,
    for which the type's default counts.
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
    return problems or _check_together(kind, resolve_options(type_name, options))


def check_change(type_name: str, before: Wish, after: Wish) -> list[Problem]:
    """What AWS can't make of a Service that is there, of two wishes that passed `check_options`."""
    kind = TYPES[type_name]
    problems = []
    if kind.versions and before.version and after.version:
        old, new = version_numbers(before.version), version_numbers(after.version)
        shared = min(len(old), len(new))
        if new[:shared] < old[:shared]:
            problems.append(
                Problem(
                    "version",
                    Validator.GREATER_THAN_OR_EQUAL,
                    f"version is {before.version} and can't go back to {after.version}; create "
                    "another Service of that version and move the data",
                )
            )
    old_size, new_size = (
        resolve_options(type_name, wish.options).get("minStorage") for wish in (before, after)
    )
    if isinstance(old_size, int) and isinstance(new_size, int) and new_size < old_size:
        problems.append(
            Problem(
                "options.minStorage",
                Validator.GREATER_THAN_OR_EQUAL,
                f"minStorage is {old_size} GB and can't shrink to {new_size} GB: AWS makes no "
                "storage smaller; create another Service and move the data",
            )
        )
    return problems


def version_numbers(version: str) -> tuple[int, ...]:
    """A version for comparing: `16.4` as (16, 4), `16.x` as (16,)."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def check_policy(type_name: str, policy: str) -> list[Problem]:
    """Whether a type allows a deletion policy; S3, for one, has no snapshots."""
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
    """Whether a Service of this type is linked this way; the problem names the right flag."""
    kind = TYPES.get(type_name)
    if kind is None or kind.link_by is link_by:
        return []
    wanted = kind.link_by
    message = f"a service of type {type_name} is linked with --{wanted}, not with --{link_by}"
    return [Problem(wanted.replace("-", "_"), Validator.REQUIRED, message)]


def parse_option(type_name: str, name: str, value: OptionValue) -> OptionValue | Problem:
    """The typed value of one option, or what is wrong with it. KeyError for an unknown type."""
    kind = TYPES[type_name]
    where = f"options.{name}"
    spec = kind.option(name)
    if spec is None:
        known = ", ".join(option.name for option in kind.options if not option.later)
        use = f"it has: {known}" if known else "it has none"
        return Problem(
            where, Validator.NOT_INCLUDED, f"type {type_name} has no option {name!r}; {use}"
        )
    parsed = _parse(where, spec, value)
    if spec.later and not isinstance(parsed, Problem):
        return Problem(
            where,
            Validator.NOT_INCLUDED,
            f"option {name} is currently not supported; {spec.later}",
            Code.CURRENTLY_NOT_SUPPORTED,
        )
    return parsed


def _parse(where: str, spec: OptionSpec, value: OptionValue) -> OptionValue | Problem:
    match spec.kind:
        case OptionKind.BOOLEAN:
            return _parse_boolean(where, spec, value)
        case OptionKind.INTEGER:
            return _parse_integer(where, spec, value)
        case OptionKind.LIST:
            return _parse_list(where, spec, value)
        case OptionKind.STRING:
            return _parse_string(where, spec, value)


def resolve_options(type_name: str, options: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """Options that passed `check_options`, typed and with the defaults filled in.

    Raises ProblemsError for options that did not pass, KeyError for an unknown type.
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
    if re.fullmatch(r"\d+(\.\d+)*(\.x)?", version) and version.split(".")[0] in kind.versions:
        return []
    known = ", ".join(kind.versions)
    return [
        Problem(
            "version",
            Validator.NOT_INCLUDED,
            f"type {kind.name} has no version {version!r}; use: {known}",
        )
    ]


def _check_plan(kind: ServiceType, plan: str | None) -> list[Problem]:
    if plan is None:
        return []
    if kind.plan is None:
        return [Problem("plan", Validator.INVALID, f"type {kind.name} has no plans; leave it out")]
    if re.fullmatch(kind.plan.pattern, plan):
        return []
    if plan in kind.plan.later:
        return [
            Problem(
                "plan",
                Validator.NOT_INCLUDED,
                f"plan {plan} is currently not supported; use {kind.plan.hint}",
                Code.CURRENTLY_NOT_SUPPORTED,
            )
        ]
    return [
        Problem(
            "plan",
            Validator.NOT_INCLUDED,
            f"type {kind.name} has no plan {plan!r}; use {kind.plan.hint}",
        )
    ]


def _check_together(kind: ServiceType, options: Mapping[str, OptionValue]) -> list[Problem]:
    low, high = options.get("minStorage"), options.get("maxStorage")
    if not (kind.name == "postgresql" and isinstance(low, int) and isinstance(high, int)):
        return []
    if high < low:
        return [
            Problem(
                "options.maxStorage",
                Validator.GREATER_THAN_OR_EQUAL,
                f"maxStorage is {high} GB, less than minStorage ({low} GB)",
            )
        ]
    least = -(-low * 11 // 10)
    if low < high < least:
        return [
            Problem(
                "options.maxStorage",
                Validator.GREATER_THAN_OR_EQUAL,
                f"maxStorage is {high} GB; to let it grow AWS wants 10 % above minStorage, at "
                f"least {least} GB",
            )
        ]
    return []


def _parse_boolean(where: str, spec: OptionSpec, value: OptionValue) -> bool | Problem:
    match value:
        case bool():
            return value
        case "true" | "false":
            return value == "true"
        case _:
            return Problem(
                where, Validator.NOT_INCLUDED, f"{spec.name} is {value!r}; use true or false"
            )


def _parse_integer(where: str, spec: OptionSpec, value: OptionValue) -> int | Problem:
    # bool is an int in Python, but `true` is no number to a user.
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,12}", str(value)):
        return Problem(
            where, Validator.NOT_AN_INTEGER, f"{spec.name} is {value!r}; use a whole number"
        )
    number = int(str(value))
    if spec.minimum is not None and number < spec.minimum:
        return Problem(
            where,
            Validator.GREATER_THAN_OR_EQUAL,
            f"{spec.name} is {number}; it must be at least {spec.minimum}",
        )
    if spec.maximum is not None and number > spec.maximum:
        return Problem(
            where,
            Validator.LESS_THAN_OR_EQUAL,
            f"{spec.name} is {number}; it must be at most {spec.maximum}",
        )
    return number


def _parse_list(where: str, spec: OptionSpec, value: OptionValue) -> list[str] | Problem:
    if isinstance(value, bool | int):
        return Problem(where, Validator.INVALID, f"{spec.name} is {value!r}; use a list of names")
    items = value if isinstance(value, list) else [part.strip() for part in value.split(",")]
    for item in items:
        if spec.pattern is not None and not re.fullmatch(spec.pattern, item):
            message = f"{spec.name} holds {item!r}; {spec.description}"
            return Problem(where, Validator.INVALID_FORMAT, message)
    return items


def _parse_string(where: str, spec: OptionSpec, value: OptionValue) -> str | Problem:
    if not isinstance(value, str):
        return Problem(where, Validator.INVALID, f"{spec.name} is {value!r}; use text")
    if spec.pattern is not None and not re.fullmatch(spec.pattern, value):
        return Problem(
            where, Validator.INVALID_FORMAT, f"{spec.name} is {value!r}; {spec.description}"
        )
    return value
