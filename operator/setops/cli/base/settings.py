"""The user's settings: what `setops login`, `organization:switch` and `use --trust` remember."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from setops.api.errors import Code
from setops.cli.base.files import other_writer, store
from setops.cli.base.problems import failure


@dataclass(frozen=True, slots=True)
class UserSettings:
    """The chosen kubeconfig context, the Organization for new Projects, and the paths of `.setops`
    files that are followed though somebody else may write them."""

    context: str = ""
    organization: str = ""
    trusted: tuple[str, ...] = ()


def path() -> Path | None:
    """The settings file, in the user's configuration directory; None if there is no such place."""
    base = os.environ.get("XDG_CONFIG_HOME")
    home = os.environ.get("HOME")
    if not base and not home:
        return None
    return Path(base or Path(home or "", ".config")) / "setops" / "settings.json"


def settings() -> UserSettings:
    """Read the settings. A file that can't be read counts as empty.

    Raises ProblemsError for one that somebody else may write: it says to which cluster lines go.
    """
    place = path()
    try:
        raw: Any = json.loads(_text(place)) if place else {}
    except (OSError, ValueError, RecursionError):
        return UserSettings()
    if not isinstance(raw, dict):
        return UserSettings()
    names = {name: str(raw[name]) for name in ("context", "organization") if name in raw}
    trusted = raw.get("trusted")
    listed = trusted if isinstance(trusted, list) else []
    return UserSettings(**names, trusted=tuple(each for each in listed if isinstance(each, str)))


def save(chosen: UserSettings) -> None:
    """Write the settings. Raises ProblemsError."""
    place = path()
    if place is None:
        raise failure(
            Code.VALIDATION_FAILED,
            "there is no place to remember that: set HOME or XDG_CONFIG_HOME to a folder of yours",
        )
    store(place, json.dumps(asdict(chosen), indent=2) + "\n")


def _text(place: Path) -> str:
    with place.open("rb") as file:
        other = other_writer(os.fsencode(place), file.fileno())
        content = file.read()
    if other:
        raise failure(
            Code.VALIDATION_FAILED,
            f"{place} {other}, so it isn't followed: it says to which cluster lines go. Remove it, "
            "or make it yours alone (chown, chmod go-w)",
        )
    return content.decode("utf-8-sig")
