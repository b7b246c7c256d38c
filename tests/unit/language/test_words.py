"""Splitting a line into words: as a shell does, but without expanding anything."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setops.api.errors import ProblemsError, Validator
from setops.language.words import split
from tests.unit.language.lines import LINES, TEXT


@pytest.mark.parametrize(
    ("line", "words", "why"),
    [
        ("", [], "nothing is no word"),
        (" \t\r\n ", [], "blanks are no word"),
        ("a  b\tc\nd", ["a", "b", "c", "d"], "any run of blanks parts two words"),
        ("'' \"\"", ["", ""], "an empty word can be quoted"),
        ("a''b", ["ab"], "quotes part no word"),
        ("A='x y'\" z\"", ["A=x y z"], "quotes may begin anywhere in a word"),
        ("'a\"b'", ['a"b'], "the other quote means itself"),
        ('"a\'b"', ["a'b"], "the other quote means itself"),
        (r"'a\nb\'", [r"a\nb" + "\\"], "in single quotes a backslash means itself"),
        (r'"a\"b\\c"', [r'a"b\c'], "in double quotes it escapes a quote and itself"),
        (r'"\$HOME \`x\`"', ["$HOME `x`"], "as in a shell it escapes what a shell would expand"),
        (r'"a\nb"', [r"a\nb"], "before all else it means itself"),
        (r"a\ b\'c", ["a b'c"], "outside of quotes it escapes any character"),
        ("a \\\n b", ["a", "b"], "a line can be continued"),
        ("a\\\nb \\\r\nc", ["ab", "c"], "in the middle of a word, and whatever ends the line"),
        ('"a\\\nb"', ["ab"], "in double quotes too"),
        ("'a\nb'", ["a\nb"], "a quoted line break is part of the value"),
        ("$A `b` *.c ~ #d", ["$A", "`b`", "*.c", "~", "#d"], "nothing is expanded"),
        ("a\u00a0b\u2028c", ["a\u00a0b\u2028c"], "only a shell's blanks part words"),
    ],
)
def test_a_line_is_split(line: str, words: list[str], why: str) -> None:
    assert split(line) == words, why


@pytest.mark.parametrize("line", ["'", '"', "a 'b", 'a "b', "\\", "a\\", '"a\\', '"a\\"', "''' "])
def test_what_stays_open_is_refused(line: str) -> None:
    with pytest.raises(ProblemsError) as refused:
        split(line)
    (problem,) = refused.value.problems
    assert problem.validator is Validator.INVALID_FORMAT
    assert "close the quote" in problem.message


@given(st.lists(TEXT, max_size=5))
def test_it_is_the_inverse_of_joining(words: list[str]) -> None:
    assert split(shlex.join(words)) == words


def _or_error(line: str) -> list[str] | None:
    try:
        return split(line)
    except ProblemsError:
        return None


def _reference(line: str) -> list[str] | None:
    try:
        return shlex.split(line)
    except ValueError:
        return None


@given(LINES.map(lambda line: line.replace("\\", "/")))
def test_without_backslashes_it_is_what_the_standard_library_says(line: str) -> None:
    assert _or_error(line) == _reference(line)


@given(LINES)
def test_no_word_holds_what_is_not_in_the_line(line: str) -> None:
    words = _or_error(line)
    if words is not None:
        assert sum(map(len, words)) <= len(line)
        assert set("".join(words)) <= set(line)
