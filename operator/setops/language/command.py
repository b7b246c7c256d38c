"""What a command is: a declaration from which parser, errors, help and completion are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    # Only for annotations: help and completion read declarations without loading any model.
    from setops.api.definition import StageDefinition


class Level(StrEnum):
    """What can enclose the thing that a command acts on. The value is the scope flag's name."""

    PROJECT = "project"
    STAGE = "stage"
    APP = "app"
    SERVICE = "service"
    DOMAIN = "domain"


SHORT_FLAGS: Final[Mapping[str, Level]] = {
    "p": Level.PROJECT,
    "s": Level.STAGE,
    "a": Level.APP,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """The enclosing things that a line names with scope flags. None for a flag that isn't given."""

    project: str | None = None
    stage: str | None = None
    app: str | None = None
    service: str | None = None
    domain: str | None = None

    def get(self, level: Level) -> str | None:
        value: str | None = getattr(self, level.value)
        return value


@dataclass(frozen=True, slots=True)
class CommandContext:
    """The Stage that a Changeset is for, and the Organization's registry (`host/path`) if it has
    one."""

    organization: str
    project: str
    stage: str
    registry: str | None = None


class Type(StrEnum):
    """What a value means, for completion and explanation."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "true or false"
    NEW_NAME = "new name"
    APP = "App"
    SERVICE = "Service"
    NOTIFICATION = "Notification"
    DOMAIN = "domain"
    RELEASE = "release"
    IMAGE = "image or digest"
    ENV_KEY = "env key"
    ENV_PAIR = "KEY=VALUE"
    SECRET_KEY = "NAME/KEY"  # noqa: S105 - the form of a reference, no secret
    OPTION = "option"
    ORGANIZATION = "Organization"
    REVISION = "revision"
    CONTEXT = "context of the kubeconfig"
    COMMAND = "command"
    FILE = "file"
    SWITCH = "switch"
    """A flag without a value."""


class Arity(StrEnum):
    """How many values an argument takes. Any but ONE must come last."""

    ONE = "one"
    OPTIONAL = "optional"
    """Zero or one."""
    MANY = "many"
    """One or more."""
    ANY = "any"
    """Zero or more, usually written after `--`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that an argument or a flag can have."""

    value: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """A positional value. If there are `choices`, it must be one of them."""

    name: str
    description: str
    type: Type = Type.TEXT
    choices: tuple[Choice, ...] = ()
    arity: Arity = Arity.ONE


@dataclass(frozen=True, slots=True)
class Flag:
    """A named value: `--name value`, `--name=value` or, with a `short` name, `-s value`."""

    name: str
    description: str
    type: Type = Type.TEXT
    choices: tuple[Choice, ...] = ()
    required: bool = False
    short: str = ""
    many: bool = False
    """Whether it can be given several times."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A parsed line: a command, its scope, and its values as written.

    `command` is a key of the table. A switch that is given is `true` in `flags`.
    """

    command: str
    scope: Scope = Scope()
    arguments: tuple[str, ...] = ()
    flags: Mapping[str, str] = field(default_factory=dict)

    @property
    def app(self) -> str:
        """The App that encloses the thing acted on. Only for commands in an App's scope."""
        return self._enclosing(Level.APP)

    @property
    def service(self) -> str:
        """The Service that encloses the thing acted on. Only for commands in a Service's scope."""
        return self._enclosing(Level.SERVICE)

    def _enclosing(self, level: Level) -> str:
        value = self.scope.get(level)
        if value is None:
            msg = f"{self.command} was run without --{level}, which the parser asks for"
            raise LookupError(msg)
        return value


Apply = Callable[["StageDefinition", Invocation, CommandContext], "StageDefinition"]
"""What a command does. Raises ProblemsError with fields as paths in the definition."""

Makes = Callable[[Invocation], str]
"""The path in the definition of what a command creates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """How a command is written and explained, or one setting of a command that has several
    (`container:set port`).

    `scopes` are the things that enclose what it acts on, outermost first. `stages` is True for a
    command that is added to the Changeset, as all commands in this package are.
    """

    name: str
    scopes: tuple[Level, ...]
    help: str
    example: str
    setting: str | None = None
    arguments: tuple[Argument, ...] = ()
    flags: tuple[Flag, ...] = ()
    stages: bool = True

    @property
    def key(self) -> str:
        """The name, followed by the setting if there is one: `container:set port`."""
        return f"{self.name} {self.setting}" if self.setting else self.name

    @property
    def usage(self) -> str:
        """The form of the line: `--app APP network:set port PORT`."""
        scopes = [f"--{level} {level.upper()}" for level in self.scopes if level in INNER]
        return " ".join(
            [*scopes, self.key, *map(_flag, self.flags), *map(_argument, self.arguments)]
        )

    def flag(self, name: str) -> Flag | None:
        return next((flag for flag in self.flags if flag.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Declaration):
    """A declaration, with what the command does to a definition.

    Commands that create something have `makes`. If such a command fails, later "not found" errors
    for that path are suppressed.
    """

    apply: Apply
    makes: Makes | None = None


OF_STAGE: Final = (Level.PROJECT, Level.STAGE)
OF_APP: Final = (*OF_STAGE, Level.APP)
OF_SERVICE: Final = (*OF_STAGE, Level.SERVICE)
INNER: Final = (Level.APP, Level.SERVICE, Level.DOMAIN)
"""The levels below the Stage. A line must name these, whereas the Changeset already knows its
Stage."""


def _flag(flag: Flag) -> str:
    text = f"-{flag.short}" if flag.short else f"--{flag.name}"
    if flag.type is not Type.SWITCH:
        values = "|".join(choice.value for choice in flag.choices)
        text += f" {values or flag.name.upper()}"
    text += "…" if flag.many else ""
    return text if flag.required else f"[{text}]"


def _argument(argument: Argument) -> str:
    name = "|".join(choice.value for choice in argument.choices) or argument.name
    match argument.arity:
        case Arity.ONE:
            return name
        case Arity.OPTIONAL:
            return f"[{name}]"
        case Arity.MANY:
            return f"{name}…"
        case Arity.ANY:
            return f"[-- {name}…]"
