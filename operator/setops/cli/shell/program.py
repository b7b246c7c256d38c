"""The declarations as click commands.

click finds the command, and parses the values of commands that aren't part of the language. The
language parses its own commands, so that a line means the same here and in a Changeset.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import click

from setops.api.errors import Problem, ProblemsError, Validator, nearest, one_of, quoted
from setops.cli.base.call import Call
from setops.cli.base.declare import Own
from setops.cli.base.session import Session
from setops.cli.shell import help as pages
from setops.cli.shell.table import forms
from setops.language.command import Argument, Arity, Declaration, Flag, Type

_HELP: Final = ("-h", "--help")
_SETTINGS: Final[dict[str, Any]] = {"help_option_names": list(_HELP)}


class Program(click.Group):
    """All commands, each built on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        del ctx
        return list(forms())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        del ctx
        found = forms().get(cmd_name)
        if found is None:
            return None
        first = found[0]
        return _OwnCommand(first) if isinstance(first, Own) else _StagedCommand(found)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that a line names. Raises ProblemsError with the nearest name."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise ProblemsError([pages.unknown(args[0])])
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview."""
        del ctx
        formatter.write(pages.overview() + "\n")


class _OwnCommand(click.Command):
    def __init__(self, declaration: Own) -> None:
        self.declaration = declaration
        params: list[click.Parameter] = [
            *map(_option, declaration.flags),
            *map(_argument, declaration.arguments),
        ]
        super().__init__(
            declaration.name, params=params, callback=self._run, context_settings=_SETTINGS
        )

    def _run(self, **values: Any) -> int:
        session: Session = click.get_current_context().obj
        call = _call(self.declaration, session, values)
        session.check_scope(self.declaration)
        run: Callable[[Call], int | None] = import_module(f"setops.cli.{self.declaration.run}").run
        return int(run(call) or 0)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the page of the command."""
        del ctx
        formatter.write(pages.page([self.declaration]) + "\n")


class _StagedCommand(click.Command):
    """A command of the language, which parses the words itself."""

    def __init__(self, found: tuple[Declaration, ...]) -> None:
        self.forms = found
        super().__init__(found[0].name, callback=self._run, context_settings=_SETTINGS)
        self.ignore_unknown_options = True
        self.allow_extra_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Look only for --help before `--`. Everything else is left to the language."""
        words = args[: args.index("--")] if "--" in args else args
        if any(word in _HELP for word in words):
            setting = next((form for form in self.forms if form.setting in words), None)
            click.echo(pages.page([setting] if setting and setting.setting else self.forms))
            ctx.exit()
        ctx.args = args
        return args

    def _run(self) -> int:
        context = click.get_current_context()
        from setops.cli.changeset.staging import stage

        return stage(context.obj, [self.forms[0].name, *context.args])

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the page of the command."""
        del ctx
        formatter.write(pages.page(self.forms) + "\n")


def _call(declaration: Own, session: Session, values: dict[str, Any]) -> Call:
    arguments: list[str] = []
    for argument in declaration.arguments:
        value = values[_variable(argument.name)]
        if value is not None:
            arguments += [value] if isinstance(value, str) else value
    flags = {flag.name: values[_variable(flag.name)] for flag in declaration.flags}
    # 0 is a value, though Python has it equal to False.
    absent = (None, False, ())
    given = {
        name: value for name, value in flags.items() if not any(value is each for each in absent)
    }
    return Call(declaration, session, tuple(arguments), given)


def _variable(name: str) -> str:
    return "value_" + name.replace("-", "_").lower()


def _option(flag: Flag) -> click.Option:
    names = [f"--{flag.name}", *([f"-{flag.short}"] if flag.short else []), _variable(flag.name)]
    if flag.type is Type.SWITCH:
        return click.Option(names, is_flag=True)
    return click.Option(
        names, type=_type(flag), required=flag.required, multiple=flag.many, default=None
    )


def _argument(argument: Argument) -> click.Argument:
    many = argument.arity in (Arity.MANY, Arity.ANY)
    required = argument.arity in (Arity.ONE, Arity.MANY)
    return click.Argument(
        [_variable(argument.name)],
        type=_type(argument) if argument.choices else click.STRING,
        nargs=-1 if many else 1,
        required=required,
        metavar=argument.name,
    )


def _type(of: Flag | Argument) -> click.ParamType[Any]:
    if of.choices:
        return click.Choice([choice.value for choice in of.choices])
    return click.INT if of.type is Type.INTEGER else click.STRING


def problem_of(error: click.UsageError) -> Problem:
    """A click error in our own words."""
    command = error.ctx.command if error.ctx else None
    declaration = getattr(command, "declaration", None)
    where = declaration.key if declaration else "setops"
    example = f", as in: setops {declaration.example}" if declaration else ""
    match error:
        case click.NoSuchOption():
            return Problem(
                error.option_name,
                Validator.NOT_INCLUDED,
                f"{where} has no flag {quoted(error.option_name)}; "
                f"{_known_flags(declaration, error.option_name)}",
            )
        case click.MissingParameter():
            name = _shown(error.param)
            message = f"{where} needs {name}{_offer(error.param)}{example}"
            return Problem(name, Validator.REQUIRED, message)
        case click.BadParameter():
            name = _shown(error.param)
            if isinstance(error.param and error.param.type, click.types.IntParamType):
                return Problem(
                    name, Validator.NOT_AN_INTEGER, f"{name} must be a whole number{example}"
                )
            given = error.message.partition("'")[2].partition("'")[0]
            message = f"{quoted(given)} isn't a value of {name}; use {_choices(error.param)}"
            return Problem(name, Validator.NOT_INCLUDED, message)
        case click.BadOptionUsage():
            name = error.option_name
            return Problem(name, Validator.REQUIRED, f"{name} needs a value{example}")
    text = error.format_message()
    if text.startswith("Got unexpected extra argument"):
        value = text.partition("(")[2].rstrip(").").split(" ")[0]
        message = f"{quoted(value)} is one value too many for {where}{example}"
        return Problem("", Validator.TOO_LONG, message)
    return Problem("", Validator.INVALID, text)


def _known_flags(declaration: Declaration | None, given: str) -> str:
    known = [f"--{flag.name}" for flag in declaration.flags] if declaration else []
    known += ["--project", "--stage", "--app", "--service", "--domain", "--context", "--debug"]
    guess = nearest(given, known)
    return f"did you mean {guess}?" if guess else f"it has {one_of([*known, '--help'])}"


def _shown(param: click.Parameter | None) -> str:
    if param is None:
        return "a value"
    return param.opts[0] if isinstance(param, click.Option) else str(param.metavar)


def _offer(param: click.Parameter | None) -> str:
    choices = _choices(param)
    return f" ({choices})" if choices else ""


def _choices(param: click.Parameter | None) -> str:
    kind = param.type if param else None
    return one_of(map(str, kind.choices)) if isinstance(kind, click.Choice) else ""
