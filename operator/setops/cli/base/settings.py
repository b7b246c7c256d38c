"""The user's settings: what `setops login` and `organization:switch` remember."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class UserSettings:
    """The chosen kubeconfig context, and the Organization for new Projects."""

    context: str = ""
    organization: str = ""


def path() -> Path:
    """The settings file, in the user's configuration directory."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "setops" / "settings.json"


def settings() -> UserSettings:
    """Read the settings. A file that can't be read counts as empty."""
    try:
        raw: Any = json.loads(path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return UserSettings()
    if not isinstance(raw, dict):
        return UserSettings()
    known = {field.name for field in fields(UserSettings)}
    return UserSettings(**{name: str(value) for name, value in raw.items() if name in known})


def save(chosen: UserSettings) -> None:
    """Write the settings."""
    path().parent.mkdir(parents=True, exist_ok=True)
    path().write_text(json.dumps(asdict(chosen), indent=2) + "\n", encoding="utf-8")
