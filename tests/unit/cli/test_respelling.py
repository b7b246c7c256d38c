"""Definition files in JSON, with what JSON may hold and YAML may not."""

from __future__ import annotations

import json
from typing import Final

import pytest

from setops.api.errors import ProblemsError
from setops.cli.stage.file.nodes import Mapping, Node, Scalar, Sequence, parse

TEXTS: Final = [
    "\N{GRINNING FACE}",
    "\N{GRINNING FACE}\N{GRINNING FACE} and \N{GRINNING FACE}",
    "\U0010ffff",
    "a\x7fb",
    "\x80\x9f",
    "\x85",
    "\u2028\u2029",
    "\ufeff",
    "\ufffe\uffff",
    "\\ud83d\\ude00",
    "\\\\ud83d\\\\ude00",
    "\\\N{GRINNING FACE}",
    "/path\t\n\r\"'",
]


def plain(node: Node) -> object:
    match node:
        case Scalar():
            return node.text
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key: plain(value) for key, value in node.entries.items()}


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
def test_what_json_writes_is_read(text: str, ensure_ascii: bool, indent: int | None) -> None:
    written = {"env": {text: [text, "x"], "after": text}}
    read, problems = parse(json.dumps(written, ensure_ascii=ensure_ascii, indent=indent))
    assert problems == []
    assert plain(read) == written


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_places_are_those_of_the_file(text: str, ensure_ascii: bool) -> None:
    written = json.dumps({"a": text, "b": [text, text], "key": "value"}, ensure_ascii=ensure_ascii)
    read, _ = parse(written)
    assert isinstance(read, Mapping)
    mark = read.keys["key"]
    assert (mark.line, mark.column) == (1, written.index('"key"') + 1)


def test_an_error_names_its_place_in_the_file() -> None:
    text = '{"a": "\\ud83d\\ude00\\ud83d\\ude00", "a": 1}'
    _, [problem] = parse(text)
    column = text.rindex('"a"') + 1
    assert problem.field == f"line 1, column {column}"


@pytest.mark.parametrize(
    "text",
    ["{a: '\\ud83d\\ude00'}", 'a: "\\ud83d\\ude00"', '{"a": "\\ud83d"}', '{"a": "\\ude00\\ud83d"}'],
)
def test_yaml_is_read_as_yaml_has_it(text: str) -> None:
    """Only a JSON text has pairs of surrogates; in single quotes they are six letters each."""
    if "'" in text:
        read, _ = parse(text)
        assert plain(read) == {"a": "\\ud83d\\ude00"}
        return
    with pytest.raises(ProblemsError, match="this isn't YAML"):
        parse(text)
