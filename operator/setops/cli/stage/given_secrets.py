"""The values of `{{ .Secrets.NAME }}` that the user hands over.

Nothing else of the environment is taken: whoever writes the file chooses the names in it, and the
one who applies it may have credentials of their own there.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from setops.api.changeset import MAX_TEXT
from setops.api.errors import Code, ProblemsError, Validator, quoted
from setops.cli.base.call import Call
from setops.cli.base.files import other_reader, other_writer
from setops.cli.base.problems import failure
from setops.cli.base.streams import environment
from setops.cli.base.terminal import clean
from setops.cli.stage import inputs

PREFIX: Final = "SETOPS_SECRET_"
"""Variables of the environment that begin with this are handed over by their name."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,252}")
_LIMIT: Final = MAX_TEXT * 5


def of(call: Call) -> Mapping[str, str]:
    """The values by name: those of --secret, else of --secrets, else of SETOPS_SECRET_NAME.

    Raises ProblemsError.
    """
    variables = environment()
    prefixed = {
        name.removeprefix(PREFIX): value
        for name, value in variables.items()
        if name.startswith(PREFIX)
    }
    named = {name: _variable(name, variables) for name in _named(call.flags.get("secret") or ())}
    return {**prefixed, **(_of_file(call.text("secrets"))), **named}


def parse(text: str) -> dict[str, str]:
    """The values in NAME=VALUE lines, without comment lines, which begin with `#`. Raises
    ProblemsError."""
    found = {}
    # Not `splitlines`, which also ends a line at characters that may be in a value.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.removesuffix("\r").partition("=")
        if not equals or not _NAME.fullmatch(name.strip()):
            raise _bad("--secrets", f"line {number} of the secrets is not NAME=VALUE")
        found[name.strip()] = value
    return found


def _named(flags: Sequence[str]) -> Iterator[str]:
    for flag in flags:
        for name in flag.split(","):
            if not _NAME.fullmatch(name):
                shown = quoted(name.partition("=")[0])
                raise _bad(
                    "--secret",
                    f"--secret is {shown} and more; every process can read what stands on a line, "
                    "so name the variable alone, as in: --secret NAME"
                    if "=" in name
                    else f"--secret is {shown}; write the name of a variable of the environment",
                )
            yield name


def _variable(name: str, variables: Mapping[str, str]) -> str:
    if name in variables:
        return variables[name]
    what = "isn't UTF-8" if name in os.environ else "isn't set"
    raise _bad(
        "--secret",
        f"--secret {name}: the environment's variable {name} {what}; export it, or give the value "
        f"in --secrets FILE as {name}=VALUE",
    )


def _of_file(name: str) -> Mapping[str, str]:
    if not name:
        return {}
    text = inputs.text(name, _LIMIT + 1, lambda opened: _check(name, opened))
    if len(text.encode()) > _LIMIT:
        raise _bad("--secrets", f"the secrets are larger than {_LIMIT} bytes")
    return parse(text)


def _check(name: str, opened: int) -> None:
    """Refuse a file of secrets that others may write, and tell if they may read it."""
    writer = other_writer(name.encode(), opened)
    if writer:
        raise _bad(
            "--secrets",
            f"{name} {writer}, who would choose the Stage's secrets; make it yours alone (chown, "
            f"chmod go-w), or hand it over as it is: --secrets - < {name}",
        )
    reader = other_reader(name.encode(), opened)
    if reader:
        told = f"Note: {name} can be read by {reader}; to keep its secrets: chmod go-r {name}"
        print(clean(told), file=sys.stderr)


def _bad(field: str, message: str) -> ProblemsError:
    return failure(Code.VALIDATION_FAILED, message, Validator.INVALID, field)
