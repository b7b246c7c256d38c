"""`domain:create`, `domain:destroy`: an App's custom domains."""

from __future__ import annotations

from typing import Any, Final

from setops.api.definition import StageDefinition
from setops.api.errors import ProblemsError, Validator, quoted
from setops.api.keys import DOMAIN_KEYS
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
    (name,) = invocation.arguments
    app = edit.app_of(definition, invocation.app)
    field = APPS.path(invocation.app, "domains", name)
    problem = DOMAIN_KEYS.problem(invocation.app, name)
    if problem is not None:
        raise ProblemsError([problem])
    domains: dict[str, Any] = dict(app.domains or {})
    if name in domains:
        message = f"App {quoted(invocation.app)} has the domain {quoted(name)} already"
        edit.refuse(
            field, Validator.TAKEN, f"{message}; to change it, first: domain:destroy {name}"
        )
    primary = "primary" in invocation.flags
    other = next((key for key, domain in domains.items() if domain.primary), None)
    if primary and other is not None:
        edit.refuse(
            f"{field}.primary",
            Validator.TAKEN,
            f"{quoted(other)} is the primary domain of App {quoted(invocation.app)}; "
            "at most one can be: destroy and create it again without --primary first",
        )
    domains[name] = {"primary": primary}
    return edit.change_app(definition, invocation.app, {"domains": domains})


def _destroy(
    definition: StageDefinition, invocation: Invocation, _context: CommandContext
) -> StageDefinition:
    (name,) = invocation.arguments
    app = edit.app_of(definition, invocation.app)
    domains = edit.without(app.domains, name, edit.AppMap(invocation.app, "domains", "domain"))
    return edit.change_app(definition, invocation.app, {"domains": domains})


COMMANDS: Final = (
    Command(
        name="domain:create",
        scopes=OF_APP,
        help="Adds a custom domain to an App.",
        example="--app web domain:create www.example.com --primary",
        arguments=(Argument("NAME", "The host name.", Type.NEW_NAME),),
        flags=(Flag("primary", "The other domains redirect to this one.", Type.SWITCH),),
        apply=_create,
        makes=lambda invocation: APPS.path(invocation.app, "domains", invocation.arguments[0]),
    ),
    Command(
        name="domain:destroy",
        scopes=OF_APP,
        help="Takes a custom domain off an App. Created again in the same Changeset, it keeps its "
        "validation.",
        example="--app web domain:destroy www.example.com",
        arguments=(Argument("NAME", "The host name.", Type.DOMAIN),),
        apply=_destroy,
    ),
)
