"""Tables and blocks: whole at any width, and nothing that steers the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setops.cli.base import terminal


@given(
    st.lists(st.tuples(st.text(max_size=300), st.text(max_size=20)), max_size=5),
    st.integers(40, 250),
)
def test_a_table_is_as_wide_as_the_terminal_at_most(
    rows: list[tuple[str, str]], width: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terminal, "columns", lambda: width)
        lines = terminal.table(("Name", "Value"), rows).split("\n")
    assert len(lines) == (3 + len(rows) + 1 if rows else 3)
    widths = {terminal.cells_width(line) for line in lines}
    assert len(widths) == 1, "every line ends at the same column"
    assert widths.pop() <= width


def test_a_block_has_its_values_in_one_column() -> None:
    assert terminal.block([("Name", "web"), ("Envs", "A=1\nB=2"), ("Scale", 2)]) == (
        "Name:    web\nEnvs:    A=1\n         B=2\nScale:   2"
    )


@given(st.text(max_size=200))
def test_no_text_steers_the_terminal(text: str) -> None:
    kept = terminal.clean(text)
    harmless = {"\n", "\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}"}
    assert all(
        char.isprintable() or char in harmless or unicodedata.category(char) == "Zs"
        for char in kept
    )
    assert len(kept) <= len(text)


def test_our_own_colours_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "has_colour", lambda: True)
    text = "\033[1mbold\033[0m"
    assert terminal.clean(text) == text
