"""Random command lines: those that mean something, and any others."""

from __future__ import annotations

import shlex

from hypothesis import strategies as st

from setops.language.command import INNER, Arity, Command, Invocation, Level, Scope, Type
from setops.language.table import COMMANDS

# Without surrogates, which no JSON and no terminal carries.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WORDS = st.sampled_from(
    [
        *(word for key in COMMANDS for word in key.split()),
        *(f"--{level}" for level in Level),
        *(f"--{flag.name}" for command in COMMANDS.values() for flag in command.flags),
        *("--", "-", "---", "-p", "-s", "-a", "--=", "--app=", "=", "web", "-1", "setops"),
        *("'", '"', "\\", "\0", "\\\n"),
    ]
)
QUOTING = st.text("'\"\\$` \t\r\n-=ab\0\u00a0\u2028", max_size=60)
LINES = st.one_of(
    st.text(st.characters(), max_size=200),
    QUOTING,
    st.lists(st.one_of(WORDS, TEXT, QUOTING), max_size=12).map(" ".join),
    st.lists(st.one_of(WORDS, TEXT), max_size=12).map(shlex.join),
)


@st.composite
def invocations_of(
    draw: st.DrawFn, command: Command, text: st.SearchStrategy[str] = TEXT
) -> Invocation:
    """Any invocation of a command that some line can mean."""
    scope = {
        level.value: draw(text.filter(bool))
        for level in command.scopes
        if level in INNER or draw(st.booleans())
    }
    flags = {
        flag.name: "true" if flag.type is Type.SWITCH else draw(text)
        for flag in command.flags
        if flag.required or draw(st.booleans())
    }
    arguments = [draw(text) for _ in command.arguments]
    if command.arguments and command.arguments[-1].arity is not Arity.ONE:
        arguments += draw(st.lists(text, max_size=4))
        if command.arguments[-1].arity is Arity.ANY and draw(st.booleans()):
            arguments = arguments[: len(command.arguments) - 1]
    return Invocation(command.key, Scope(**scope), tuple(arguments), flags)
