"""Notification: a target that is notified of events on any App or Service of the Stage."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from setops.api.conditions import Condition
from setops.api.errors import Validator, quoted
from setops.api.model import Model, rules, whole
from setops.api.validation import refusal

_EMAIL: Final = r"{0}+@{0}+\.{0}+".format(r"[^@\x00-\x20\x7f]")
_WEBHOOK: Final = r"https?://[^\x00-\x20\x7f]+"


class NotificationSpec(Model):
    """A Notification in a Stage's definition."""

    type: Literal["email", "webhook"] = Field(description="email or webhook.")
    target: Annotated[str, StringConstraints(min_length=3, max_length=2048)] = Field(
        description="Email address, or the URL that gets a POST."
    )

    @field_validator("target")
    @classmethod
    def _fits_its_type(cls, target: str, info: ValidationInfo) -> str:
        match info.data.get("type"):
            case "email" if not re.fullmatch(_EMAIL, target):
                message = f"{quoted(target)} is not an email address"
                raise refusal(Validator.NOT_AN_EMAIL_ADDRESS, message)
            case "webhook" if not re.fullmatch(_WEBHOOK, target):
                message = f"{quoted(target)} is not an http or https URL"
                raise refusal(Validator.INVALID_FORMAT, message)
        return target


NOTIFICATION_SPEC_RULES: Final = rules(
    (
        f"self.type != 'email' || self.target.matches({whole(_EMAIL)})",
        "target must be an email address for type email",
    ),
    (
        f"self.type != 'webhook' || self.target.matches({whole(_WEBHOOK)})",
        "target must be an http or https URL for type webhook",
    ),
)


class NotificationStatus(Model):
    """Whether the target has been confirmed."""

    observed_generation: int | None = Field(None, description="Generation this status is of.")
    conditions: Annotated[list[Condition], Field(max_length=8)] | None = Field(
        None, description="Ready, Reconciling, Stalled.", json_schema_extra=Condition.list_map()
    )
    confirmed: bool | None = Field(None, description="Whether the target confirmed.")
