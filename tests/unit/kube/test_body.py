"""Bodies of requests: what stands for itself, what is escaped, and what is no text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setops.kube.body import TextError, encoded

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("plain", "plain", id="ASCII"),
        pytest.param("Zürich 東京", "Zürich 東京", id="letters"),
        pytest.param("\U0001f600", "\U0001f600", id="an emoji"),
        pytest.param("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469", id="joined"),
        pytest.param("\U0010ffff", "\U0010ffff", id="the last code point"),
        pytest.param("\0\t\n\x1f", "\\u0000\\t\\n\\u001f", id="C0, by JSON's own rule"),
        pytest.param("\x7f\x80\x9f", "\\u007f\\u0080\\u009f", id="DEL, C1"),
        pytest.param("\xa0\u200b", "\xa0\u200b", id="blanks of other kinds"),
        pytest.param("a\x85b", "a\\u0085b", id="next line"),
        pytest.param("a\u2028b\u2029c", "a\\u2028b\\u2029c", id="line and paragraph separators"),
        pytest.param("\ufeffa", "\\ufeffa", id="byte order mark"),
        pytest.param("\ufffe\uffff", "\\ufffe\\uffff", id="noncharacters"),
        pytest.param('"\\/', '\\"\\\\/', id="what JSON itself needs"),
    ],
)
def test_how_text_is_written(text: str, written: str) -> None:
    assert encoded([text]).decode() == f'["{written}"]'
    assert json.loads(encoded({text: text})) == {text: text}


@given(JSON)
def test_whatever_is_written_is_read_as_the_same(body: object) -> None:
    assert json.loads(encoded(body)) == body


@pytest.mark.parametrize("half", ["\ud800", "a\udc80b", "\ude00\ud83d"])
def test_half_a_surrogate_pair_is_refused(half: str) -> None:
    with pytest.raises(TextError, match=r"U\+D[0-9A-F]{3}, half of a surrogate pair"):
        encoded({"data": {"A": half}})
