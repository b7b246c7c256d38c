"""`stage:schema`: the JSON Schema of definition files."""

from __future__ import annotations

from setops.cli.base.call import Call
from setops.cli.base.output import json_text
from setops.cli.base.streams import emit
from setops.cli.stage.file.json_schema import schema as made_schema


def run(call: Call) -> int:
    """Write the JSON Schema."""
    del call
    emit(text().rstrip("\n"))
    return 0


def text() -> str:
    """The JSON Schema as a file."""
    return json_text(made_schema()) + "\n"
