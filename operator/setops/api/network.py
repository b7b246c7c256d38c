"""An App's network settings: its port, who can reach it, and its health check from outside.

Source of fields, limits and defaults: the platform's App settings.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from setops.api.model import Form, Model, rules

STATUS_CODES: Final = r"[1-5][0-9]{2}(-[1-5][0-9]{2})?(,[1-5][0-9]{2}(-[1-5][0-9]{2})?)*"

HttpPath = Annotated[
    str,
    StringConstraints(max_length=1024),
    Form(
        r"/[^\x00-\x20\x7f]*",
        "a path that begins with a slash and has no spaces or control characters, such as /healthz",
    ),
]
StatusCodes = Annotated[
    str,
    StringConstraints(max_length=256),
    Form(STATUS_CODES, "a list of codes and ranges such as 200-299,301, from 100 to 599"),
]


class NetworkHealthCheck(Model):
    """The check from outside that decides whether a container gets traffic. Only for http, and only
    while the App is public."""

    path: HttpPath | None = Field(
        None, description="Path that is asked for; begins with a slash. Unset: /."
    )
    status: StatusCodes | None = Field(
        None, description="Codes and ranges that count as healthy: 200-299,301. Unset: 200-499."
    )


class Network(Model):
    """Where the App listens, and who can reach it."""

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
        None,
        description="How the load balancer checks the App; without effect unless it is public.",
    )

    @model_validator(mode="after")
    def _health_check_is_http(self) -> Self:
        if self.protocol == "tcp" and self.health_check is not None:
            msg = "a network health check needs protocol http; with tcp the port itself is checked"
            raise ValueError(msg)
        return self


NETWORK_RULES = rules(
    (
        "self.protocol == 'http' || !has(self.healthCheck)",
        "network.healthCheck needs protocol http; with tcp the port itself is checked",
    )
)
