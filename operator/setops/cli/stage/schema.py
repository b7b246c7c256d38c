"""`stage:schema`: the JSON Schema of definition files."""

from __future__ import annotations

import json

from setops.cli.base.call import Call
from setops.cli.base.terminal import echo
from setops.cli.stage.file.json_schema import schema as made_schema


def run(call: Call) -> int:
    """Write the JSON Schema."""
    del call
    echo(text().rstrip("\n"))
    return 0


def text() -> str:
    """The JSON Schema as a file."""
    return json.dumps(made_schema(), indent=2, ensure_ascii=False) + "\n"
