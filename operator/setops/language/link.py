"""`link:create`, `link:destroy`: which Services an App sees, and how."""

from __future__ import annotations

from typing import Any, Final

from setops.api.definition import StageDefinition
from setops.api.errors import ProblemsError, Validator, quoted
from setops.api.keys import ENV_KEYS, LINK_KEYS
from setops.api.section import APPS
from setops.language import edit
from setops.language.command import (
    OF_APP,
    Argument,
    Command,
    CommandContext,
    Flag,
    Invocation,
    Type,
)


def _create(
    definition: StageDefinition, invocation: Invocation, _context: CommandContext
) -> StageDefinition:
    (service,) = invocation.arguments
    app = edit.app_of(definition, invocation.app)
    field = APPS.path(invocation.app, "links", service)
    problem = LINK_KEYS.problem(invocation.app, service)
    if problem is not None:
        raise ProblemsError([problem])
    links: dict[str, Any] = dict(app.links or {})
    if service in links:
        edit.refuse(
            field,
            Validator.TAKEN,
            f"App {quoted(invocation.app)} links {quoted(service)} already; "
            f"to change the link, first: link:destroy {service}",
        )
    # Whether the Service exists is checked at the end of the Changeset: a later command may create
    # it.
    links[service] = _link(invocation, field)
    return edit.change_app(definition, invocation.app, {"links": links})


def _link(invocation: Invocation, field: str) -> dict[str, Any]:
    env_key, path = invocation.flags.get("env-key"), invocation.flags.get("path")
    if (env_key is None) == (path is None):
        given = "both are given" if env_key is not None else "neither is given"
        edit.refuse(
            field,
            Validator.REQUIRED,
            f"a link has either --env-key KEY or, for a volume, --path PATH; {given}",
        )
    if env_key is not None:
        refused = ENV_KEYS.refusal(env_key)
        if refused is not None:
            edit.refuse(f"{field}.envKey", refused.validator, refused.message)
        if "read-only" in invocation.flags:
            edit.refuse(
                f"{field}.readOnly",
                Validator.INVALID,
                "--read-only goes with --path: only a volume is mounted",
            )
        return {"env_key": env_key}
    return {"path": path, "read_only": True if "read-only" in invocation.flags else None}


def _destroy(
    definition: StageDefinition, invocation: Invocation, _context: CommandContext
) -> StageDefinition:
    (service,) = invocation.arguments
    app = edit.app_of(definition, invocation.app)
    links = edit.without(app.links, service, edit.AppMap(invocation.app, "links", "link to"))
    return edit.change_app(definition, invocation.app, {"links": links})


COMMANDS: Final = (
    Command(
        name="link:create",
        scopes=OF_APP,
        help="Links a Service into an App: its URL as a variable or, for a volume, a path.",
        example="--app web link:create store --env-key STORE_URL",
        arguments=(Argument("SERVICE", "Name of the Service.", Type.SERVICE),),
        flags=(
            Flag("env-key", "Variable that gets the Service's URL.", Type.ENV_KEY),
            Flag("path", "Where a volume is mounted; begins with a slash."),
            Flag("read-only", "Mounts the volume read-only.", Type.SWITCH),
        ),
        apply=_create,
    ),
    Command(
        name="link:destroy",
        scopes=OF_APP,
        help="Takes a Service out of an App. The Service itself stays.",
        example="--app web link:destroy store",
        arguments=(Argument("SERVICE", "Name of the Service.", Type.SERVICE),),
        apply=_destroy,
    ),
)
