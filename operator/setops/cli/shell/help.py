"""The help texts: an overview of all commands, and one page per command. Pure text."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from setops.api.errors import Problem, ProblemsError, Validator, nearest, quoted
from setops.cli.shell.table import FAMILIES, forms
from setops.language.command import Argument, Arity, Declaration, Flag, Type

if TYPE_CHECKING:
    from setops.cli.base.call import Call

_GLOBAL: Final = (
    ("-p, --project NAME", "Project; or SETOPS_PROJECT, or what `setops use` has written"),
    ("-s, --stage NAME", "Stage; or SETOPS_STAGE, or what `setops use` has written"),
    ("-a, --app NAME", "App; --service and --domain name the other things alike"),
    ("--context NAME", "context of your kubeconfig; or SETOPS_CONTEXT, or that of setops login"),
    ("--debug", "shows where an error comes from"),
)
_WIDEST: Final = 100


def width() -> int:
    """The width of help texts."""
    return min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)


def overview() -> str:
    """The overview of all commands, by heading and in the order of the families."""
    lines = ["Usage: setops [flags] COMMAND [values] [flags]", ""]
    headings = dict(FAMILIES)
    names = list(forms())
    longest = max(map(len, names))
    said = ""
    for name in names:
        heading = headings[name.split(":")[0]]
        if heading != said:
            lines += ["", f"{heading}:"] if said else [f"{heading}:"]
            said = heading
        lines.append(_row(name, summary(forms()[name]), longest))
    lines += ["", "Flags, before or after the command:"]
    longest = max(len(flag) for flag, _ in _GLOBAL)
    lines += [_row(flag, text, longest) for flag, text in _GLOBAL]
    lines += ["", "setops help COMMAND explains one, with an example."]
    return "\n".join(lines)


def summary(of: Sequence[Declaration]) -> str:
    """One line about a command. For one with several settings, it lists them."""
    if len(of) == 1 and of[0].setting is None:
        return of[0].help.split(". ")[0].rstrip(".")
    verb = {"set": "Sets", "unset": "Puts back"}[of[0].name.partition(":")[2]]
    return f"{verb} {', '.join(form.setting or '' for form in of)}"


def page(of: Sequence[Declaration]) -> str:
    """The page of a command, with all its settings."""
    if len(of) > 1:
        lines = [f"Usage: setops {of[0].name} SETTING …", ""]
        longest = max(len(form.setting or "") for form in of)
        lines += [_row(form.setting or "", form.help, longest) for form in of]
        lines += ["", "Example:", f"  setops {of[0].example}"]
        return "\n".join([*lines, "", f"setops help {of[0].key} explains one setting."])
    (command,) = of
    lines = [*textwrap.wrap(f"Usage: setops {usage(command)}", width(), subsequent_indent="    ")]
    lines += ["", *_paragraph(command.help)]
    if command.stages:
        lines += ["", *_paragraph("Staged: it takes effect with changeset:commit.")]
    rows = [(argument_text(argument), _explained(argument)) for argument in command.arguments]
    lines += _block("Values", rows)
    rows = [(flag_text(flag), _explained(flag)) for flag in command.flags]
    lines += _block("Flags", rows)
    return "\n".join([*lines, "", "Example:", f"  setops {command.example}"])


def usage(command: Declaration) -> str:
    """The usage line, with all scope flags that the command needs."""
    scopes = " ".join(f"--{level} {level.upper()}" for level in command.scopes)
    own = command.usage.split(command.key, 1)[1]
    return f"{scopes} {command.key}{own}".strip()


def argument_text(argument: Argument) -> str:
    """An argument as help shows it."""
    return f"{argument.name}…" if argument.arity in (Arity.MANY, Arity.ANY) else argument.name


def flag_text(flag: Flag) -> str:
    """A flag as help shows it."""
    short = f"-{flag.short}, " if flag.short else ""
    value = "" if flag.type is Type.SWITCH else f" {flag.name.upper()}"
    return f"{short}--{flag.name}{value}"


def find(words: Sequence[str]) -> Sequence[Declaration]:
    """The forms that words name: `resource:set`, `resource:set scale`, `resource`.

    Raises ProblemsError for an unknown command.
    """
    name = words[0]
    found = forms().get(name, ())
    if len(words) > 1:
        found = tuple(form for form in found if form.setting == words[1]) or found
    if found:
        return found
    raise ProblemsError([unknown(name)])


def unknown(name: str) -> Problem:
    """The problem with an unknown command."""
    guess = nearest(name, forms())
    family = [known for known in forms() if known.split(":")[0] == name.split(":")[0]]
    if guess:
        hint = f"did you mean {guess}?"
    elif family:
        hint = f"there are: {', '.join(family)}"
    else:
        hint = "setops help lists all"
    return Problem("", Validator.NOT_INCLUDED, f"there is no command {quoted(name)}; {hint}")


def run(call: Call) -> None:
    """Show the page of a command, or the overview."""
    import click

    words = call.arguments
    if not words:
        click.echo(overview())
        return
    family = [
        form for name, of in forms().items() if name.startswith(f"{words[0]}:") for form in of
    ]
    if words[0] not in forms() and family:
        longest = max(len(form.key) for form in family)
        click.echo("\n".join(_row(form.key, form.help, longest) for form in family))
        return
    click.echo(page(find(words)))


def _explained(of: Argument | Flag) -> str:
    text = of.description
    if any(choice.description for choice in of.choices):
        choices = "; ".join(f"{choice.value}: {choice.description}" for choice in of.choices)
        return f"{text} {choices}"
    if of.choices:
        return f"{text} One of: {', '.join(choice.value for choice in of.choices)}."
    return text


def _block(title: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    if not rows:
        return []
    longest = max(len(name) for name, _ in rows)
    return ["", f"{title}:", *(_row(name, text, longest) for name, text in rows)]


def _row(name: str, text: str, longest: int) -> str:
    column = min(longest, 28) + 4
    first = f"  {name:<{column - 2}}" if len(name) < column - 2 else f"  {name}  "
    indent = " " * column
    return "\n".join(
        textwrap.wrap(text, max(width(), 40), initial_indent=first, subsequent_indent=indent)
        or [first.rstrip()]
    )


def _paragraph(text: str) -> Iterable[str]:
    return textwrap.wrap(text, width())
