"""Tables and blocks: whole at any width, and nothing that steers the terminal."""

from __future__ import annotations

import json
import unicodedata

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from setops.api.errors import Problem, Validator
from setops.cli import main
from setops.cli.base import output, problems, terminal
from setops.cli.shell.completion import answer
from setops.language.command import Choice


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


HOSTILE = {
    "a colour": "\033[31mred\033[0m",
    "a cleared screen": "\033[2J\033[H",
    "a title": "\033]0;owned\007",
    "a link": "\033]8;;http://evil\033\\click\033]8;;\033\\",
    "the clipboard": "\033]52;c;aGk=\007",
    "eight bits": "\x9b31m\x9d0;x\x9c",
    "a device": "\033P$q\033\\",
    "another character set": "\x0e\x0f\033(0",
    "a way back": "safe\rhidden\x08\x08\x08",
    "a bell": "\007",
    "a delete": "a\x7fb",
    "a break": "a\x0bb\x0cc\x85d",
    "another direction": "a\N{RIGHT-TO-LEFT OVERRIDE}b\N{POP DIRECTIONAL FORMATTING}",
    "an isolated direction": "a\N{RIGHT-TO-LEFT ISOLATE}b\N{POP DIRECTIONAL ISOLATE}",
    "a mark of direction": "a\N{RIGHT-TO-LEFT MARK}b",
    "what nobody sees": "a\N{ZERO WIDTH SPACE}b\N{SOFT HYPHEN}c\N{WORD JOINER}",
    "half a character": "\ud800",
}
"""Text that would steer a terminal, as anybody may write it into a cluster."""

STEERING = [chr(number) for number in [*range(32), *range(0x7F, 0xA0)] if chr(number) != "\n"]
STEERING += [chr(number) for number in [0x200E, 0x200F, *range(0x202A, 0x202F)]]
STEERING += [chr(number) for number in range(0x2066, 0x206A)]


def _echoed(text: str) -> None:
    terminal.echo(text)


def _tabled(text: str) -> None:
    terminal.echo(terminal.table((text, "B"), [(text, text)]))


def _blocked(text: str) -> None:
    terminal.echo(terminal.block([(text, text), ("B", 1)]))


def _spun(text: str) -> None:
    spinner = terminal.Spinner()
    spinner.say(text)
    spinner.say(f"{text}\n{text}")
    spinner.end()


def _told(text: str) -> None:
    problems.show([Problem(text, Validator.INVALID, text)])


def _as_json(text: str) -> None:
    output.write("json", {"kind": "App", "metadata": {"name": text, "annotations": {text: text}}})


def _as_yaml(text: str) -> None:
    output.write("yaml", {"kind": "App", "metadata": {"name": text, "annotations": {text: text}}})


def _completed(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answer, "candidates", lambda *_: [Choice(text, text)])
        answer.answer(["app"])


def _debugged(text: str) -> None:
    def fail(_: object) -> int:
        raise ValueError(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "_run", fail)
        main.run(["app", "--debug"])


WAYS = {
    "a line": _echoed,
    "a table": _tabled,
    "a block": _blocked,
    "progress": _spun,
    "an error": _told,
    "JSON": _as_json,
    "YAML": _as_yaml,
    "completion": _completed,
    "where an error comes from": _debugged,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("why", HOSTILE)
@pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "file"])
def test_no_way_out_steers_the_terminal(
    why: str,
    way: str,
    is_terminal: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda: is_terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    WAYS[way](HOSTILE[why])
    out, err = capsys.readouterr()
    written = out + err
    assert written
    for ours in ("\r\033[K", "\t" if way == "completion" else ""):
        written = written.replace(ours, "") if ours else written
    assert [character for character in STEERING if character in written] == []


@pytest.mark.parametrize("why", [why for why in HOSTILE if why != "half a character"])
def test_what_programs_read_is_what_was_written(
    why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for way, read in ((_as_json, json.loads), (_as_yaml, yaml.safe_load)):
        way(HOSTILE[why])
        found = read(capsys.readouterr().out)
        assert found["metadata"]["annotations"] == {HOSTILE[why]: HOSTILE[why]}
