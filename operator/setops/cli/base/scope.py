"""Which Project, Stage and App a line is about, from flags, the environment and `.setops`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from setops.api.errors import Problem, ProblemsError, Validator
from setops.cli.base.files import other_replacer, other_writer, store, unwritable
from setops.cli.base.settings import save, settings
from setops.language.command import Level

FILE: Final = ".setops"
VARIABLES: Final = {Level.PROJECT: "SETOPS_PROJECT", Level.STAGE: "SETOPS_STAGE"}
_MAX: Final = 4096
_WAYS: Final = (
    "Name Project and Stage yourself (-p, -s), choose them in a directory of yours (setops use -p "
    "… -s …), or, if you trust whoever may write it: setops use --trust"
)


@dataclass(frozen=True, slots=True)
class LineScope:
    """The scope of a line. `flags` are the scope flags of the line itself."""

    flags: Mapping[Level, str] = field(default_factory=dict)

    def flag(self, level: Level) -> str | None:
        """The value of a scope flag on the line."""
        return self.flags.get(level)

    def get(self, level: Level) -> str | None:
        """The value that applies: the line's, else the environment's, else the directory's default.

        A Stage belongs to the Project that stands beside it. If the line names another Project, the
        default Stage doesn't apply.
        """
        project: str | None = None
        for source in self._sources():
            own = source.get(Level.PROJECT)
            is_elsewhere = level is Level.STAGE and None not in (project, own) and own != project
            if level in source and not is_elsewhere:
                return source[level]
            project = project or own
        return None

    def _sources(self) -> Iterator[Mapping[Level, str]]:
        yield self.flags
        yield {level: value for level, name in VARIABLES.items() if (value := os.environ.get(name))}
        # Read last, and only where it is needed: a line that names all is not stopped by a file.
        yield read(find())


def here() -> Path | None:
    """The working directory, or None if it has been deleted or can't be reached."""
    try:
        return Path.cwd()
    except OSError:
        return None


def find() -> Path | None:
    """The `.setops` file of the working directory, or of its nearest parent that has one."""
    directory = here()
    if directory is None:
        return None
    for folder in (directory, *directory.parents):
        path = folder / FILE
        with contextlib.suppress(OSError):  # a directory that one may not look into has none
            if path.is_file():
                return path
    return None


def read(path: Path | None) -> dict[Level, str]:
    """The defaults in a `.setops` file, from lines `project: NAME` and `stage: NAME`.

    Raises ProblemsError for any other content, and for a file that somebody else may write, unless
    the user trusts it.
    """
    if path is None:
        return {}
    found: dict[Level, str] = {}
    try:
        text = _text(path)
    except UnicodeDecodeError:
        raise _bad(path, "isn't UTF-8; store it as UTF-8") from None
    except OSError as error:
        raise _bad(path, f"can't be read: {error.strerror}") from None
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].strip()
        if not words:
            continue
        name, colon, value = words.partition(":")
        if not colon or name.strip() not in ("project", "stage") or not value.strip():
            raise _bad(path, f"line {number} is {line.strip()!r}; write project: NAME, stage: NAME")
        found[Level(name.strip())] = value.strip()
    return found


def write(path: Path, values: Mapping[Level, str]) -> None:
    """Write a directory's defaults."""
    lines = [f"{level.value}: {value}\n" for level, value in values.items()]
    store(path, "".join(lines))


def check_place(path: Path) -> None:
    """Raise ProblemsError if a `.setops` file wouldn't be followed here, whoever writes it."""
    try:
        other = other_replacer(os.fsencode(path.parent))
    except OSError as error:
        raise unwritable(path, error) from None
    if other and not is_trusted(path):
        raise _bad(path, f"its directory can be written by {other}, so it wouldn't be followed")


def is_trusted(path: Path) -> bool:
    """Whether the user follows this file, whoever may write it."""
    return str(path) in settings().trusted


def trust(path: Path) -> None:
    """Follow this file from now on, whoever may write it."""
    known = settings()
    save(replace(known, trusted=tuple(dict.fromkeys([*known.trusted, str(path)]))))


def _text(path: Path) -> str:
    with path.open("rb") as file:
        other = other_writer(os.fsencode(path), file.fileno())
        content = file.read(_MAX + 1)
    if other and not is_trusted(path):
        raise _bad(path, f"{other}, so it isn't followed. {_WAYS}")
    if len(content) > _MAX:
        raise _bad(path, f"is longer than {_MAX} bytes; write project: NAME, stage: NAME")
    return content.decode("utf-8-sig")


def _bad(path: Path, what: str) -> ProblemsError:
    return ProblemsError([Problem(str(path), Validator.INVALID_FORMAT, f"{path}: {what}")])
