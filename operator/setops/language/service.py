"""`service:create`, `service:destroy`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from setops.api import catalogue
from setops.api.definition import of_service
from setops.api.errors import ProblemsError
from setops.api.section import SERVICES
from setops.language.command import (
    OF_STAGE,
    Argument,
    Choice,
    Command,
    Flag,
    Invocation,
    Type,
)
from setops.language.entry import creator, destroyer, made_in

_FIELDS: Final = {
    "type": "type",
    "version": "version",
    "plan": "plan",
    "deletion-policy": "deletionPolicy",
}
"""The field that each flag sets."""


def _asked_for(invocation: Invocation) -> Mapping[str, object]:
    """The fields that the flags set. Raises ProblemsError for a type that can't be created."""
    (name,), flags = invocation.arguments, invocation.flags
    problems = of_service(name, catalogue.check_type(flags["type"]))
    if problems:
        named = SERVICES.name_problem(name)
        raise ProblemsError([*([named] if named else []), *problems])
    return {field: flags[flag] for flag, field in _FIELDS.items() if flag in flags}


COMMANDS: Final = (
    Command(
        name="service:create",
        scopes=OF_STAGE,
        help="Creates a Service. Link it into Apps with link:create.",
        example="service:create store --type s3",
        arguments=(Argument("NAME", "Name of the Service.", Type.NEW_NAME),),
        flags=(
            Flag(
                "type",
                "What it is; can't be changed later.",
                choices=tuple(
                    Choice(name, catalogue.TYPES[name].product) for name in catalogue.SUPPORTED
                ),
                required=True,
            ),
            Flag("plan", "Size, such as db.t3.micro; each type has its own."),
            Flag("version", "Version of the product. Without it: the newest known."),
            Flag(
                "deletion-policy",
                "What destroying it does with the data. Without it: Snapshot where AWS has one, "
                "else Retain.",
                choices=(
                    Choice("Snapshot", "Keeps a final snapshot."),
                    Choice("Retain", "Leaves the data at AWS."),
                    Choice("Delete", "Destroys the data."),
                ),
            ),
        ),
        apply=creator(SERVICES, _asked_for),
        makes=made_in(SERVICES),
    ),
    Command(
        name="service:destroy",
        scopes=OF_STAGE,
        help="Destroys a Service; what becomes of its data is up to its deletion policy. "
        "No App may link it any more.",
        example="service:destroy store",
        arguments=(Argument("NAME", "Name of the Service.", Type.SERVICE),),
        apply=destroyer(SERVICES),
    ),
)
