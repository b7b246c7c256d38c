"""App: one or more identical containers of the user's image.

Source of fields, limits and defaults: the platform's App settings. cpu is in units (1024 is one
vCPU), memory in MB as on ECS (MiB in Kubernetes), intervals in seconds.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from setops.api import names
from setops.api.conditions import Condition
from setops.api.errors import Validator, quoted, refusal
from setops.api.model import CEL, Form, Model, map_key_rule, rule_with_expression, rules

_HOST: Final = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?"
_PATH: Final = r"[a-z0-9]+((\.|__?|-+)[a-z0-9]+)*"
IMAGE: Final = (
    rf"({_HOST}/)?{_PATH}(/{_PATH})*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?"
)
"""An image reference: registry and port, path, tag and digest; all but the path optional.

As strict as the kubelet, so that no pod ends in InvalidImageName.
"""
DIGEST: Final = r"sha256:[a-f0-9]{64}"
DOMAIN: Final = r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
STATUS_CODES: Final = r"[1-5][0-9]{2}(-[1-5][0-9]{2})?(,[1-5][0-9]{2}(-[1-5][0-9]{2})?)*"
MAX_RELEASES: Final = 100

Image = Annotated[
    str,
    StringConstraints(max_length=512),
    Form(
        IMAGE,
        "an image reference, lowercase but for its tag, such as registry.example.com/app:1.0 or "
        "registry.example.com/app@sha256:…",
    ),
]
Argument = Annotated[str, StringConstraints(max_length=8192)]
Arguments = Annotated[list[Argument], Field(max_length=256)]
EnvKey = Annotated[
    str,
    StringConstraints(max_length=256),
    Form(
        names.ENV_KEY,
        "a variable's name: a letter or underscore, then letters, digits and underscores",
    ),
]
HttpPath = Annotated[
    str,
    StringConstraints(max_length=1024),
    Form(r"/\S*", "a path that begins with a slash and has no spaces, such as /healthz"),
]
StatusCodes = Annotated[
    str,
    StringConstraints(max_length=256),
    Form(STATUS_CODES, "a list of codes and ranges such as 200-299,301, from 100 to 599"),
]
MountPath = Annotated[
    str,
    StringConstraints(max_length=1024),
    Form(r"/[^:\n]*", "an absolute path without colons, such as /data"),
]
TimeOfDay = Annotated[
    str,
    StringConstraints(max_length=5),
    Form(r"([01][0-9]|2[0-3]):[0-5][0-9]", "a time of day in UTC such as 07:30"),
]


class ContainerHealthCheck(Model):
    """A command run inside the container; failing `retries` times restarts the container."""

    command: Annotated[list[Argument], Field(min_length=1, max_length=256)] = Field(
        description="Command and arguments; exit code 0 means healthy."
    )
    interval: int = Field(10, ge=1, le=30, description="Seconds between two checks, 1 to 30.")
    timeout: int = Field(10, ge=1, le=30, description="Seconds a check may take, 1 to 30.")
    retries: int = Field(5, ge=1, le=30, description="Failures in a row that restart it, 1 to 30.")
    start_period: int = Field(
        15, ge=0, le=60, description="Seconds after the start in which failures don't count."
    )


class Container(Model):
    """How the image is started."""

    command: Arguments | None = Field(
        None, description="Arguments, as CMD of an image; absent: the image's own."
    )
    entrypoint: Arguments | None = Field(
        None, description="Program, as ENTRYPOINT of an image; absent: the image's own."
    )
    health_check: ContainerHealthCheck | None = Field(
        None, description="Command run inside the container that restarts it when it fails."
    )


class NetworkHealthCheck(Model):
    """The check from outside that decides whether a container gets traffic; http only."""

    path: HttpPath | None = Field(
        None, description="Path that is asked for; begins with a slash. Unset: /."
    )
    status: StatusCodes | None = Field(
        None, description="Codes and ranges that count as healthy: 200-299,301. Unset: 200-499."
    )


class Network(Model):
    """Where the App listens and who may reach it."""

    protocol: Literal["http", "tcp"] = Field(
        "http",
        description="http: TLS ends at the load balancer, external port 443. "
        "tcp: external port is the container's. Can't be changed later.",
        json_schema_extra=rules(
            (
                "self == oldSelf",
                "network.protocol can't be changed after the first commit; "
                "destroy the App and create it again",
            )
        ),
    )
    public: bool = Field(
        False, description="Whether it is reachable from outside the Stage by a load balancer."
    )
    port: int = Field(
        5000, ge=1, le=65535, description="Port it listens on; given to the container as PORT."
    )
    health_check: NetworkHealthCheck | None = Field(
        None, description="How the load balancer checks the App."
    )

    @model_validator(mode="after")
    def _health_check_is_http(self) -> Self:
        if self.protocol == "tcp" and self.health_check is not None:
            msg = "a network health check needs protocol http; with tcp the port itself is checked"
            raise ValueError(msg)
        return self


_NETWORK_RULES = rules(
    (
        "self.protocol == 'http' || !has(self.healthCheck)",
        "network.healthCheck needs protocol http; with tcp the port itself is checked",
    )
)


class Resources(Model):
    """What each container gets, and how many containers run."""

    cpu: int = Field(
        128,
        ge=128,
        le=196608,
        multiple_of=128,
        description="CPU units, 1024 for one vCPU, in steps of 128; reserved, bursts above.",
    )
    memory: int = Field(
        256,
        ge=128,
        le=3145728,
        multiple_of=128,
        description="Memory in MB, in steps of 128; reserved, and the hard limit.",
    )
    scale: int = Field(
        1,
        ge=0,
        le=16,
        description="Number of containers, 0 to 16; 0 stops the App. Spread over zones.",
    )


class SecretRef(Model):
    """One value of a Secret in the Stage's namespace."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)] = Field(
        description="Name of the Secret."
    )
    key: Annotated[str, StringConstraints(min_length=1, max_length=253)] = Field(
        description="Key in the Secret."
    )


class EnvVar(Model):
    """An environment variable: a value, or a reference to a Secret."""

    value: Annotated[str, StringConstraints(max_length=32768)] | None = Field(
        None, description="The value in clear."
    )
    secret_ref: SecretRef | None = Field(
        None, description="Takes the value from a Secret; never shown in plans or statuses."
    )
    description: Annotated[str, StringConstraints(max_length=1024)] | None = Field(
        None, description="What the variable is for."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.value is None) == (self.secret_ref is None):
            msg = "give either value or secretRef"
            raise ValueError(msg)
        return self


_ENV_VAR_RULES = rules(
    (
        "has(self.value) != has(self.secretRef)",
        "an environment variable has either value or secretRef",
    )
)


class Link(Model):
    """How the App sees a Service: a variable with its URL or, for a volume, a path."""

    env_key: EnvKey | None = Field(
        None, description="Environment variable that gets the Service's URL."
    )
    path: MountPath | None = Field(None, description="Where a volume is mounted.")
    read_only: bool | None = Field(None, description="Mounts the volume read-only.")

    @field_validator("env_key")
    @classmethod
    def _not_reserved(cls, key: str | None) -> str | None:
        if key in names.RESERVED_ENV_KEYS:
            raise refusal(Validator.INCLUDED, reserved_env_key(key))
        return key

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.env_key is None) == (self.path is None):
            msg = "give either envKey or, for a volume, path"
            raise ValueError(msg)
        if self.read_only is not None and self.path is None:
            msg = "readOnly goes with path"
            raise ValueError(msg)
        return self


_RESERVED_LIST = "[" + ", ".join(f"'{key}'" for key in names.RESERVED_ENV_KEYS) + "]"

_LINK_RULES = rules(
    (
        "has(self.envKey) != has(self.path)",
        "a link has either envKey or, for a volume, path",
    ),
    ("!has(self.readOnly) || has(self.path)", "readOnly goes with path"),
    (
        f"!has(self.envKey) || !(self.envKey in {_RESERVED_LIST})",
        "envKey is one of the reserved keys " + ", ".join(names.RESERVED_ENV_KEYS),
    ),
)


class Release(Model):
    """A numbered alias of an image."""

    image: Image = Field(description="The image, best by its digest.")


class Domain(Model):
    """A custom domain; serves once it is validated."""

    primary: bool = Field(
        False, description="The domain the others redirect to; at most one is primary."
    )


class ScheduledScale(Model):
    """A planned scale from a time of day on."""

    at: TimeOfDay = Field(description="Time of day in UTC, HH:MM.")
    weekdays: (
        Annotated[
            list[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]],
            Field(min_length=1, max_length=7),
        ]
        | None
    ) = Field(None, description="Days on which it applies; absent: every day.")
    scale: int = Field(ge=0, le=16, description="Number of containers from then on, 0 to 16.")


_ENV_RULES: Final[dict[str, Any]] = {
    CEL: [
        *map_key_rule(
            names.ENV_KEY,
            "env key",
            "it begins with a letter or underscore, then letters, digits and underscores, "
            "at most 256",
        )[CEL],
        rule_with_expression(
            f"!self.exists(k, k in {_RESERVED_LIST})",
            '"env key \'" + self.filter(k, k in '
            + _RESERVED_LIST
            + ')[0] + "\' is reserved by the platform; choose another name"',
        ),
    ]
}
_LINKS_RULES: Final = map_key_rule(
    names.SERVICE_NAME, "link", "it is the name of a Service: lowercase letters, digits and dashes"
)
_RELEASES_RULES: Final = map_key_rule(
    "[1-9][0-9]{0,8}", "release", "releases are numbered 1, 2, 3 and so on"
)
_DOMAINS_RULES: Final[dict[str, Any]] = {
    CEL: [
        *map_key_rule(DOMAIN, "domain", "write a host name such as www.example.com")[CEL],
        {
            "rule": "self.filter(k, self[k].primary).size() <= 1",
            "message": "at most one domain can be primary",
        },
    ]
}


class AppSpec(Model):
    """An App as it stands in a Stage's definition."""

    image: Image | None = Field(
        None, description="The image to run, instead of releases; excludes activeRelease."
    )
    releases: Annotated[dict[str, Release], Field(max_length=MAX_RELEASES)] | None = Field(
        None,
        description="Releases by number.",
        json_schema_extra=_RELEASES_RULES,
    )
    active_release: int | None = Field(
        None, ge=1, le=999999999, description="Number of the release that runs."
    )
    container: Container | None = Field(None, description="How the image is started.")
    network: Network = Field(
        default=Network(),
        description="Where the App listens and who may reach it.",
        json_schema_extra=_NETWORK_RULES,
    )
    resources: Resources = Field(
        default=Resources(),
        description="What each container gets, and how many containers run.",
    )
    env: (
        Annotated[
            dict[str, Annotated[EnvVar, Field(json_schema_extra=_ENV_VAR_RULES)]],
            Field(max_length=1000),
        ]
        | None
    ) = Field(None, description="Environment variables by key.", json_schema_extra=_ENV_RULES)
    links: (
        Annotated[
            dict[str, Annotated[Link, Field(json_schema_extra=_LINK_RULES)]],
            Field(max_length=64),
        ]
        | None
    ) = Field(None, description="Linked Services by name.", json_schema_extra=_LINKS_RULES)
    domains: Annotated[dict[str, Domain], Field(max_length=200)] | None = Field(
        None,
        description="Custom domains by name (no domain is served by this version yet).",
        json_schema_extra=_DOMAINS_RULES,
    )
    schedule: Annotated[dict[str, ScheduledScale], Field(max_length=50)] | None = Field(
        None, description="Planned scale by name of the plan (not acted on by this version yet)."
    )

    @field_validator("env", "links", "releases", "domains", "schedule")
    @classmethod
    def _empty_is_absent(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        return value or None

    @field_validator("env")
    @classmethod
    def _env_keys(cls, env: dict[str, EnvVar] | None) -> dict[str, EnvVar] | None:
        for key in env or ():
            check_env_key(key)
        return env

    @field_validator("domains")
    @classmethod
    def _domain_names(cls, domains: dict[str, Domain] | None) -> dict[str, Domain] | None:
        for name in domains or ():
            if not re.fullmatch(DOMAIN, name):
                msg = f"{name!r} is not a host name such as www.example.com"
                raise ValueError(msg)
        if sum(domain.primary for domain in (domains or {}).values()) > 1:
            msg = "at most one domain can be primary"
            raise ValueError(msg)
        return domains

    @model_validator(mode="after")
    def _active_release_exists(self) -> Self:
        if self.active_release is not None:
            if str(self.active_release) not in (self.releases or {}):
                msg = f"release {self.active_release} doesn't exist"
                raise ValueError(msg)
            if self.image is not None:
                msg = "give either image or activeRelease"
                raise ValueError(msg)
        return self

    @property
    def running_image(self) -> str | None:
        """The image that runs: that of the active release, or the plain image; None for neither."""
        if self.active_release is not None and self.releases:
            return self.releases[str(self.active_release)].image
        return self.image


# Every change of an App looks at all its keys, which are nearly all the same as before.
def reserved_env_key(key: str) -> str:
    """What to say of a variable that the platform sets itself."""
    return f"env key {quoted(key)} is reserved by the platform; choose another name"


@lru_cache(maxsize=8192)
def check_env_key(key: str) -> None:
    """Raise ValueError unless a user may set an environment variable of this name."""
    if not re.fullmatch(names.ENV_KEY, key):
        msg = (
            f"{key!r} is not a valid key: it begins with a letter or underscore, "
            "then letters, digits and underscores, at most 256"
        )
        raise ValueError(msg)
    if key in names.RESERVED_ENV_KEYS:
        raise ValueError(reserved_env_key(key))


APP_SPEC_RULES: Final = rules(
    (
        "!has(self.activeRelease) || "
        "(has(self.releases) && string(self.activeRelease) in self.releases)",
        "activeRelease names a release that doesn't exist in releases",
    ),
    (
        "!(has(self.image) && has(self.activeRelease))",
        "an App has either image or activeRelease",
    ),
    (
        "!has(self.env) || !has(self.links) || "
        "!self.links.exists(s, has(self.links[s].envKey) && self.links[s].envKey in self.env)",
        "a link's envKey is also a key of env; choose another envKey, or unset the variable",
    ),
    (
        "!has(self.links) || self.links.all(s, !has(self.links[s].envKey) || "
        "!self.links.exists(t, t != s && has(self.links[t].envKey) && "
        "self.links[t].envKey == self.links[s].envKey))",
        "two links have the same envKey; choose another for one of them",
    ),
    (
        "!has(self.links) || self.links.all(s, !has(self.links[s].path) || "
        "!self.links.exists(t, t != s && has(self.links[t].path) && "
        "self.links[t].path == self.links[s].path))",
        "two links have the same path; choose another for one of them",
    ),
)


class ValidationRecord(Model):
    """A DNS record that the user sets so that a domain can serve."""

    type: str = Field(description="Type of the record: CNAME or A.")
    name: str = Field(description="Name of the record.")
    value: str = Field(description="Value of the record.")


class DomainStatus(Model):
    """What is known of a custom domain."""

    name: str = Field(description="The domain.")
    validated: bool = Field(False, description="Whether the domain serves.")
    records: Annotated[list[ValidationRecord], Field(max_length=10)] | None = Field(
        None, description="Records to set at the domain's DNS provider."
    )


class AppStatus(Model):
    """What runs of an App."""

    observed_generation: int | None = Field(None, description="Generation this status is of.")
    conditions: Annotated[list[Condition], Field(max_length=8)] | None = Field(
        None, description="Ready, Reconciling, Stalled.", json_schema_extra=Condition.list_map()
    )
    replicas: int | None = Field(None, description="Containers that exist.")
    ready_replicas: int | None = Field(None, description="Containers that pass their checks.")
    selector: str | None = Field(None, description="Label selector of the App's pods.")
    release: str | None = Field(None, description="Number of the release that runs, or the image.")
    url: str | None = Field(None, description="Where the App is reached.")
    domains: Annotated[list[DomainStatus], Field(max_length=200)] | None = Field(
        None, description="Custom domains with their validation records."
    )
