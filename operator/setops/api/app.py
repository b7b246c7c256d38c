"""App: one or more identical containers of the user's image.

Source of fields, limits and defaults: the platform's App settings.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from setops.api.container import Container, Resources
from setops.api.environment import ENV_VAR_RULES, LINK_RULES, EnvVar, Link
from setops.api.image import Image
from setops.api.keys import APP_KEYS, DOMAIN_KEYS, ENV_KEYS, LINK_KEYS, RELEASE_KEYS
from setops.api.model import CEL, Form, Model, rules
from setops.api.network import NETWORK_RULES, Network

MAX_RELEASES: Final = 100

TimeOfDay = Annotated[
    str,
    StringConstraints(max_length=5),
    Form(r"([01][0-9]|2[0-3]):[0-5][0-9]", "a time of day in UTC such as 07:30"),
]


class Release(Model):
    """A numbered release: a name for one image."""

    image: Image = Field(description="The image, best by its digest.")


class Domain(Model):
    """A custom domain. It serves traffic once it is validated."""

    primary: bool = Field(
        False, description="The domain that the others redirect to. At most one is primary."
    )


class ScheduledScale(Model):
    """A scale that applies from a given time of day."""

    at: TimeOfDay = Field(description="Time of day in UTC, HH:MM.")
    weekdays: (
        Annotated[
            list[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]],
            Field(min_length=1, max_length=7),
        ]
        | None
    ) = Field(None, description="Days on which it applies; absent: every day.")
    scale: int = Field(ge=0, le=16, description="Number of containers from then on, 0 to 16.")


_DOMAINS_RULES: Final[dict[str, Any]] = {
    CEL: [
        *DOMAIN_KEYS.rules()[CEL],
        {
            "rule": "self.filter(k, self[k].primary).size() <= 1",
            "message": "at most one domain can be primary",
        },
    ]
}


class AppSpec(Model):
    """An App in a Stage's definition."""

    image: Image | None = Field(
        None, description="The image to run, instead of releases; excludes activeRelease."
    )
    releases: Annotated[dict[str, Release], Field(max_length=MAX_RELEASES)] | None = Field(
        None,
        description="Releases by number.",
        json_schema_extra=RELEASE_KEYS.rules(),
    )
    active_release: int | None = Field(
        None, ge=1, le=999999999, description="Number of the release that runs."
    )
    container: Container | None = Field(None, description="How the image is started.")
    network: Network = Field(
        default=Network(),
        description="Where the App listens and who may reach it.",
        json_schema_extra=NETWORK_RULES,
    )
    resources: Resources = Field(
        default=Resources(),
        description="What each container gets, and how many containers run.",
    )
    env: (
        Annotated[
            dict[str, Annotated[EnvVar, Field(json_schema_extra=ENV_VAR_RULES)]],
            Field(max_length=1000),
        ]
        | None
    ) = Field(None, description="Environment variables by key.", json_schema_extra=ENV_KEYS.rules())
    links: (
        Annotated[
            dict[str, Annotated[Link, Field(json_schema_extra=LINK_RULES)]],
            Field(max_length=64),
        ]
        | None
    ) = Field(None, description="Linked Services by name.", json_schema_extra=LINK_KEYS.rules())
    domains: Annotated[dict[str, Domain], Field(max_length=200)] | None = Field(
        None,
        description="Custom domains by name (this version doesn't serve them yet).",
        json_schema_extra=_DOMAINS_RULES,
    )
    schedule: Annotated[dict[str, ScheduledScale], Field(max_length=50)] | None = Field(
        None, description="Scheduled scales by name (this version doesn't act on them yet)."
    )

    @field_validator("env", "links", "releases", "domains", "schedule")
    @classmethod
    def _empty_is_absent(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        return value or None

    @field_validator("container")
    @classmethod
    def _unset_is_absent(cls, value: Container | None) -> Container | None:
        return None if value == Container() else value

    # Only the API server checks the keys of links and releases.
    @field_validator("env", "domains")
    @classmethod
    def _keys_are_valid(
        cls, value: dict[str, Any] | None, info: ValidationInfo
    ) -> dict[str, Any] | None:
        rule = APP_KEYS[str(info.field_name)]
        for key in value or ():
            if (refused := rule.refusal(key)) is not None:
                raise ValueError(refused.message)
        return value

    @field_validator("domains")
    @classmethod
    def _one_primary_domain(cls, domains: dict[str, Domain] | None) -> dict[str, Domain] | None:
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
        """The image to run: the active release's, else the plain image, else None."""
        if self.active_release is not None and self.releases:
            return self.releases[str(self.active_release)].image
        return self.image


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
