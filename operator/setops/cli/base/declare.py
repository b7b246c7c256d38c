"""Declarations of the commands that aren't part of the language: those that read, and those that
act at once.

The code of a command isn't imported here. It is the function `run` of a module that is loaded when
the command runs: `stage/apply.py` for `stage:apply`, `stage/index.py` for `stage`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from setops.language.command import Argument, Arity, Choice, Declaration, Flag, Level, Type

OF_PROJECT: Final = (Level.PROJECT,)

UNSUPPORTED: Final = "base.unsupported"
"""Runs instead of a command that the operator doesn't support yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Own(Declaration):
    """A command that isn't part of the language.

    `run` is the module below `setops.cli` with the function `run`. `named` is the scope flag that
    can replace the first argument. `reads` is True for a command that shows something and so takes
    -o.
    """

    run: str
    stages: bool = False
    named: Level | None = None
    reads: bool = False


OUTPUT: Final = Flag(
    "output",
    "How it is shown.",
    choices=(
        Choice("table", "For people; the default."),
        Choice("json", "The resources, for programs."),
        Choice("yaml", "The resources as YAML."),
        Choice("name", "Only the names, one a line."),
    ),
    short="o",
)
WATCH: Final = Flag("watch", "Shows it again whenever it changes, until Ctrl-C.", Type.SWITCH)
FORCE: Final = Flag("force", "Does it. Without it nothing is destroyed.", Type.SWITCH)
APPROVE: Final = Flag("auto-approve", "Doesn't ask.", Type.SWITCH)
DETACH: Final = Flag("detach", "Doesn't wait for the end.", Type.SWITCH)
TIMEOUT: Final = Flag(
    "timeout", "Seconds until the commit is given up and rolled back.", Type.INTEGER
)
MESSAGE: Final = Flag("message", "Why, for the history.", short="m")


def named_argument(
    what: str, type_: Type = Type.TEXT, arity: Arity = Arity.ONE
) -> tuple[Argument, ...]:
    """An argument that is the name of something."""
    return (Argument("NAME", f"Name of the {what}.", type_, arity=arity),)


def show(
    name: str,
    scopes: tuple[Level, ...],
    help_: str,
    *,
    run: str,
    named: Level | None = None,
    type_: Type = Type.TEXT,
    watch: bool = False,
) -> Own:
    """A command that shows something. With `named`, it shows one thing of that level."""
    arguments = (
        () if named is None else named_argument(named.value.capitalize(), type_, Arity.OPTIONAL)
    )
    inner = [f"--{level} web " for level in scopes if level is Level.APP]
    inner += [f"--{level} store " for level in scopes if level is Level.SERVICE]
    examples = {Level.APP: " web", Level.SERVICE: " store"}
    example = "".join(inner) + name + (examples.get(named, "") if named else "")
    return Own(
        name=name,
        scopes=scopes,
        help=help_,
        example=example,
        arguments=arguments,
        flags=(OUTPUT, *((WATCH,) if watch else ())),
        named=named,
        reads=True,
        run=run,
    )


def later(name: str, scopes: tuple[Level, ...], help_: str, example: str, **rest: object) -> Own:
    """A command that this version knows but doesn't support."""
    text = f"{help_} (This version can't do it yet.)"
    return Own(name=name, scopes=scopes, help=text, example=example, run=UNSUPPORTED, **rest)  # type: ignore[arg-type]
