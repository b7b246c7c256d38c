"""What a user writes reaches the container as it is, whatever Kubernetes expands."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setops.desired.pod import literal


def expand(text: str) -> str:
    """What the kubelet makes of a text; every reference is replaced, so that none stays unseen.

    Source: Kubernetes' `expansion.Expand`. A `$` at the end is kept, `$$` becomes `$`, `$(NAME)`
    becomes the variable's value, `$(` that nothing closes is kept, and so is `$` before anything
    else.
    """
    done = ""
    while "$" in text[:-1]:
        before, text = text.split("$", 1)
        done += before
        if text.startswith("$"):
            done, text = f"{done}$", text[1:]
        elif text.startswith("(") and ")" in text:
            done, text = f"{done}EXPANDED", text[text.index(")") + 1 :]
        else:
            done, text = f"{done}${text[0]}", text[1:]
    return done + text


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(PORT)", "EXPANDED"),
        ("a$(PORT)b", "aEXPANDEDb"),
        ("$$(PORT)", "$(PORT)"),
        ("$$$(PORT)", "$EXPANDED"),
        ("$(PORT", "$(PORT"),
        ("cost: 5$", "cost: 5$"),
        ("$PORT", "$PORT"),
        ("$()", "EXPANDED"),
        ("$x$$", "$x$"),
    ],
)
def test_the_rule_is_kubernetes_own(text: str, expanded: str) -> None:
    assert expand(text) == expanded


@settings(max_examples=500)
@given(st.one_of(st.text("$()aé ", max_size=12), st.text()))
def test_a_literal_survives_expansion(text: str) -> None:
    assert expand(literal(text)) == text


@given(st.text("$()a ", max_size=8).filter(lambda text: expand(text) == text))
def test_what_needs_no_escape_stays_readable(text: str) -> None:
    assert literal(text) == text or "$(" in text
