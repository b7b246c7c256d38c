"""An App's environment variables, and its links to Services.

Source of fields and limits: the platform's App settings.
"""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from setops.api import names
from setops.api.keys import ENV_KEYS, cel_list
from setops.api.model import Form, Model, Passable, rules
from setops.api.validation import refusal

EnvKey = Annotated[
    str,
    StringConstraints(max_length=256),
    Form(
        names.ENV_KEY,
        "a variable's name: a letter or underscore, then letters, digits and underscores",
    ),
]
MountPath = Annotated[
    str,
    StringConstraints(max_length=1024),
    Form(
        r"/[^:\x00-\x1f\x7f]*",
        "an absolute path without colons and control characters, such as /data",
    ),
]

_LABEL: Final = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
SecretName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    Form(rf"{_LABEL}(?:\.{_LABEL})*", "a Secret's name: lowercase letters, digits, dashes, dots"),
]
SecretKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    Form(
        r"(?:[A-Za-z0-9_-]|\.[A-Za-z0-9_-])[A-Za-z0-9._-]*",
        "a key of a Secret: letters, digits, dots, dashes and underscores",
    ),
]


class SecretRef(Model):
    """One value of a Secret in the Stage's namespace."""

    name: SecretName = Field(description="Name of the Secret.")
    key: SecretKey = Field(description="Key in the Secret.")


class EnvVar(Model):
    """An environment variable: a plain value, or a reference to a Secret."""

    value: Annotated[str, StringConstraints(max_length=32768), Passable(dear=True)] | None = Field(
        None, description="The value in plain text."
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


ENV_VAR_RULES: Final = rules(
    (
        "has(self.value) != has(self.secretRef)",
        "an environment variable has either value or secretRef",
    )
)


class Link(Model):
    """How an App sees a Service: as a variable with its URL or, for a volume, at a path."""

    env_key: EnvKey | None = Field(
        None, description="Environment variable that gets the Service's URL."
    )
    path: MountPath | None = Field(None, description="Where a volume is mounted.")
    read_only: bool | None = Field(None, description="Mounts the volume read-only.")

    @field_validator("env_key")
    @classmethod
    def _not_reserved(cls, key: str | None) -> str | None:
        refused = ENV_KEYS.refusal(key) if key is not None else None
        if refused is not None:
            raise refusal(refused.validator, refused.message)
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


LINK_RULES: Final = rules(
    (
        "has(self.envKey) != has(self.path)",
        "a link has either envKey or, for a volume, path",
    ),
    ("!has(self.readOnly) || has(self.path)", "readOnly goes with path"),
    (
        f"!has(self.envKey) || !(self.envKey in {cel_list(names.RESERVED_ENV_KEYS)})",
        "envKey is one of the reserved keys " + ", ".join(names.RESERVED_ENV_KEYS),
    ),
)
