"""What the commands that create and destroy entries have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from setops.api.definition import StageDefinition
from setops.api.section import Section
from setops.language import edit
from setops.language.command import Apply, CommandContext, Invocation, Makes


def creator(section: Section, read: Callable[[Invocation], Mapping[str, object]]) -> Apply:
    """A function that creates the entry named by the line. `read` finds its fields in the line."""

    def apply(
        definition: StageDefinition, invocation: Invocation, _context: CommandContext
    ) -> StageDefinition:
        (name,) = invocation.arguments
        return edit.create(definition, section, name, read(invocation))

    return apply


def destroyer(section: Section) -> Apply:
    """A function that destroys the entry named by the line.

    Links to a destroyed Service are checked at the end of the Changeset, since a later command may
    remove them.
    """

    def apply(
        definition: StageDefinition, invocation: Invocation, _context: CommandContext
    ) -> StageDefinition:
        (name,) = invocation.arguments
        return edit.destroy(definition, section, name)

    return apply


def made_in(section: Section) -> Makes:
    """A function that gives the path of the entry named by the line."""
    return lambda invocation: section.path(invocation.arguments[0])
