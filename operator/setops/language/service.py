"""`service:create`, `service:destroy`."""

from __future__ import annotations

from typing import Any, Final

from setops.api import catalogue
from setops.api.definition import StageDefinition, name_problem, of_service
from setops.api.errors import ProblemsError
from setops.language import edit
from setops.language.command import (
    OF_STAGE,
    Argument,
    Choice,
    Command,
    Context,
    Flag,
    Invocation,
    Type,
)


def _create(
    definition: StageDefinition, invocation: Invocation, _context: Context
) -> StageDefinition:
    (name,) = invocation.arguments
    problems = of_service(name, catalogue.check_type(invocation.flags["type"]))
    if problems:
        named = name_problem("services", name)
        raise ProblemsError([*([named] if named else []), *problems])
    raw: dict[str, Any] = {"type": invocation.flags["type"]}
    if "version" in invocation.flags:
        raw["version"] = invocation.flags["version"]
    if "plan" in invocation.flags:
        raw["plan"] = invocation.flags["plan"]
    if "deletion-policy" in invocation.flags:
        raw["deletionPolicy"] = invocation.flags["deletion-policy"]
    return edit.create(definition, "services", name, raw)


def _destroy(
    definition: StageDefinition, invocation: Invocation, _context: Context
) -> StageDefinition:
    (name,) = invocation.arguments
    # Whether an App still links it is asked when all commands are done: it may be unlinked later.
    return edit.destroy(definition, "services", name)


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
        apply=_create,
        makes=lambda invocation: f"services.{invocation.arguments[0]}",
    ),
    Command(
        name="service:destroy",
        scopes=OF_STAGE,
        help="Destroys a Service; what becomes of its data is up to its deletion policy. "
        "No App may link it any more.",
        example="service:destroy store",
        arguments=(Argument("NAME", "Name of the Service.", Type.SERVICE),),
        apply=_destroy,
    ),
)
