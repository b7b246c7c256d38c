"""Which Project, Stage and App a line is about, from flags, the environment and `.setops`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from setops.api.errors import Problem, ProblemsError, Validator
from setops.cli.base.problems import store
from setops.language.command import Level

FILE: Final = ".setops"
VARIABLES: Final = {Level.PROJECT: "SETOPS_PROJECT", Level.STAGE: "SETOPS_STAGE"}
_MAX: Final = 4096


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

    def _sources(self) -> tuple[Mapping[Level, str], ...]:
        environment = {
            level: value for level, name in VARIABLES.items() if (value := os.environ.get(name))
        }
        return self.flags, environment, read(find())


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

    Raises ProblemsError for any other content.
    """
    if path is None:
        return {}
    found: dict[Level, str] = {}
    try:
        text = path.read_text(encoding="utf-8-sig")[:_MAX]
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


def _bad(path: Path, what: str) -> ProblemsError:
    return ProblemsError([Problem(str(path), Validator.INVALID_FORMAT, f"{path}: {what}")])
