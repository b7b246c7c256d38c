"""Writes what is made from the declarations: python -m setops.cli.generate DOCS."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from setops.cli.shell import table
from setops.cli.shell.reference import pages
from setops.cli.stage import schema
from setops.language.table import COMMANDS

SCHEMA = "setops.schema.json"


def staged() -> str:
    """The text of `staged.json`."""
    written = [table.written(command) for command in COMMANDS.values()]
    return json.dumps(written, indent=1, ensure_ascii=False) + "\n"


def documents() -> dict[str, str]:
    """All files below `docs/` that are made, by their path there."""
    return {**pages(), SCHEMA: schema.text()}


def main(docs: Path) -> None:
    """Write all of it; what is no longer made goes."""
    table.STAGED.write_text(staged(), encoding="utf-8")
    for folder in ("reference", "man"):
        shutil.rmtree(docs / folder, ignore_errors=True)
    for name, text in documents().items():
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
