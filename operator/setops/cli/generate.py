"""Writes what is made from the declarations: python -m setops.cli.generate."""

from __future__ import annotations

import json

from setops.cli import table
from setops.language.table import COMMANDS


def staged() -> str:
    """The text of `staged.json`."""
    written = [table.written(command) for command in COMMANDS.values()]
    return json.dumps(written, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all of it."""
    table.STAGED.write_text(staged(), encoding="utf-8")


if __name__ == "__main__":
    main()
