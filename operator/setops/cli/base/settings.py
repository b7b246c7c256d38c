"""The user's settings: what `setops login` and `organization:switch` remember."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from setops.api.errors import Code
from setops.cli.base.problems import failure, store


@dataclass(frozen=True, slots=True)
class UserSettings:
    """The chosen kubeconfig context, and the Organization for new Projects."""

    context: str = ""
    organization: str = ""


def path() -> Path | None:
    """The settings file, in the user's configuration directory; None if there is no such place."""
    base = os.environ.get("XDG_CONFIG_HOME")
    home = os.environ.get("HOME")
    if not base and not home:
        return None
    return Path(base or Path(home or "", ".config")) / "setops" / "settings.json"


def settings() -> UserSettings:
    """Read the settings. A file that can't be read counts as empty."""
    place = path()
    try:
        raw: Any = json.loads(place.read_text(encoding="utf-8-sig")) if place else {}
    except (OSError, ValueError, RecursionError):
        return UserSettings()
    if not isinstance(raw, dict):
        return UserSettings()
    known = {field.name for field in fields(UserSettings)}
    return UserSettings(**{name: str(value) for name, value in raw.items() if name in known})


def save(chosen: UserSettings) -> None:
    """Write the settings. Raises ProblemsError."""
    place = path()
    if place is None:
        raise failure(
            Code.VALIDATION_FAILED,
            "there is no place to remember that: set HOME or XDG_CONFIG_HOME to a folder of yours",
        )
    store(place, json.dumps(asdict(chosen), indent=2) + "\n")
