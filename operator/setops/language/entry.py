"""What the commands that create and destroy whole entries share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from setops.api.definition import StageDefinition
from setops.api.section import Section
from setops.language import edit
from setops.language.command import Apply, CommandContext, Invocation, Makes


def creator(section: Section, read: Callable[[Invocation], Mapping[str, object]]) -> Apply:
    """Creates the entry that the line names, with the fields that `read` takes from the line."""

    def apply(
        definition: StageDefinition, invocation: Invocation, _context: CommandContext
    ) -> StageDefinition:
        (name,) = invocation.arguments
        return edit.create(definition, section, name, read(invocation))

    return apply


def destroyer(section: Section) -> Apply:
    """Destroys the entry that the line names.

    Whether an App still links a Service is asked when all commands are done: it may be unlinked
    later.
    """

    def apply(
        definition: StageDefinition, invocation: Invocation, _context: CommandContext
    ) -> StageDefinition:
        (name,) = invocation.arguments
        return edit.destroy(definition, section, name)

    return apply


def made_in(section: Section) -> Makes:
    """The path of the entry that the line names."""
    return lambda invocation: section.path(invocation.arguments[0])
