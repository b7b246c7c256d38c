"""Applies one command of a Changeset to a definition."""

from __future__ import annotations

from setops.api.definition import StageDefinition
from setops.api.errors import Code, Problem, ProblemsError, Validator, quoted
from setops.language.command import CommandContext, Invocation
from setops.language.table import COMMANDS


def run(
    definition: StageDefinition, invocation: Invocation, context: CommandContext
) -> StageDefinition:
    """The definition after a command. The fields in a ProblemsError are paths in the definition."""
    problems = _foreign_scope(invocation, context)
    if problems:
        raise ProblemsError(problems)
    return COMMANDS[invocation.command].apply(definition, invocation, context)


def _foreign_scope(invocation: Invocation, context: CommandContext) -> list[Problem]:
    """A Changeset belongs to one Stage. A command may name that Stage, but no other."""
    pairs = (
        ("project", invocation.scope.project, context.project),
        ("stage", invocation.scope.stage, context.stage),
    )
    return [
        Problem(
            "",
            Validator.INVALID,
            f"--{flag} {quoted(named)} contradicts the Changeset, which changes {flag} "
            f"{quoted(own)}; leave the flag out, or make a Changeset there",
            Code.CHANGESET_INVALID,
        )
        for flag, named, own in pairs
        if named is not None and named != own
    ]
