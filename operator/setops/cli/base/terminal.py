"""Terminal output: colour, tables, blocks, a spinner. Plain text if there is no terminal."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

_FRAMES: Final = "◢◣◤◥"
_BOLD: Final = "\033[1m"
_GREEN: Final = "\033[32m"
_RED: Final = "\033[31m"
_YELLOW: Final = "\033[33m"
_END: Final = "\033[0m"
_ELLIPSIS: Final = "…"
_SIGNS: Final = {"+": _GREEN, "~": _YELLOW, "±": _YELLOW, "-": _RED}


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def has_colour() -> bool:
    """Whether colour is wanted. Source: no-color.org."""
    return is_terminal() and not os.environ.get("NO_COLOR")


def echo(text: str = "") -> None:
    """Write a line to standard output."""
    print(clean(text), flush=True)


def clean(text: str) -> str:
    """Text without control characters, except for our own colours."""
    if text.isprintable():
        return text
    return (_CHARACTER if has_colour() else _PLAIN).sub(_kept, text)


_PLAIN: Final = re.compile(".", re.DOTALL)
_CHARACTER: Final = re.compile(r"\033\[(?:[012]|3[123])m|.", re.DOTALL)


def _kept(found: re.Match[str]) -> str:
    piece = found[0]
    if len(piece) > 1 or piece == "\n" or piece in _JOINERS or piece.isprintable():
        return piece
    if unicodedata.category(piece) == "Zs":
        return piece
    return "\N{REPLACEMENT CHARACTER}"


_JOINERS: Final = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""They steer no terminal: names and emoji are written with them."""


def one_line(text: str) -> str:
    """A staged command on one line, even if a value contains line breaks."""
    return text.replace("\n", "⏎")


def bold(text: str) -> str:
    """Text in bold."""
    return f"{_BOLD}{text}{_END}" if has_colour() else text


def green(text: str) -> str:
    """Text in green, for success."""
    return f"{_GREEN}{text}{_END}" if has_colour() else text


def yellow(text: str) -> str:
    """Text in yellow, for warnings."""
    return f"{_YELLOW}{text}{_END}" if has_colour() else text


def coloured_plan(text: str) -> str:
    """A plan with its signs in colour."""
    if not has_colour():
        return text
    lines = []
    for line in text.split("\n"):
        colour = _SIGNS.get(line[:1]) if line[1:2] == " " else None
        if colour is None and line.startswith("  ! "):
            colour = _YELLOW
        lines.append(f"{colour}{line}{_END}" if colour else line)
    return "\n".join(lines)


def block(rows: Iterable[tuple[str, object]]) -> str:
    """Lines `Name: web` with all values in one column. Values with several lines are indented."""
    pairs = [(name, str(value)) for name, value in rows]
    column = max((len(name) for name, _ in pairs), default=0) + 3
    lines = []
    for name, value in pairs:
        first, *more = value.split("\n")
        lines.append(f"{name + ':':<{column}} {first}".rstrip())
        lines += [f"{'':<{column}} {line}".rstrip() for line in more]
    return "\n".join(lines)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with borders that fits the terminal. The widest columns are cut first."""
    cells = [[_one_line(cell) for cell in row] for row in rows]
    widths = [
        max([cells_width(name), *(cells_width(row[place]) for row in cells)])
        for place, name in enumerate(header)
    ]
    room = columns() - 3 * len(header) - 1
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    lines = [rule, _row(header, widths), rule]
    lines += [_row(row, widths) for row in cells]
    return "\n".join([*lines, rule] if cells else lines)


_NARROWEST: Final = 8
_NO_TERMINAL: Final = 200


def columns() -> int:
    """The width of the terminal, or a large width without one."""
    return shutil.get_terminal_size((80 if is_terminal() else _NO_TERMINAL, 24)).columns


def cells_width(text: str) -> int:
    """The number of columns that a text occupies."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return (
        len(text) + wide - sum(unicodedata.combining(char) > 0 or char in _JOINERS for char in text)
    )


def _one_line(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return text if text.isprintable() else " ".join(text.split())


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    shown = [_fitted(cell, width) for cell, width in zip(cells, widths, strict=True)]
    return "| " + " | ".join(shown) + " |"


def _fitted(text: str, width: int) -> str:
    if cells_width(text) > width:
        while cells_width(text) > width - 1:
            text = text[:-1]
        text += _ELLIPSIS
    return text + " " * (width - cells_width(text))


def can_ask() -> bool:
    """Whether a question can be asked and answered, even if standard output is a file."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirmed(question: str) -> bool:
    """Ask a question on the terminal. Enter alone, Ctrl-C and Ctrl-D mean no."""
    while True:
        try:
            _ask(f"{question} [y/N]: ")
            answer = _answer()
        except KeyboardInterrupt:
            answer = ""
        if not answer.endswith("\n"):
            # The cursor is still behind the question.
            _ask("\n")
        word = answer.strip().lower()
        if word in ("", "n", "no"):
            return False
        if word in ("y", "yes"):
            return True
        _ask("Please answer y or n.\n")


def _ask(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _answer() -> str:
    """A line from the terminal, empty at the end of input. Raises KeyboardInterrupt.

    `input` can't be used: a Ctrl-C between its question and its wait for the answer takes effect
    only after the answer.
    """
    with _signals() as signals:
        ready: list[object] = []
        while sys.stdin not in ready:
            ready, _, _ = select.select([sys.stdin, signals], [], [])
            if signals in ready:
                os.read(signals, 1)
        return sys.stdin.readline()


@contextlib.contextmanager
def _signals() -> Iterator[int]:
    """A file descriptor that becomes readable when a signal arrives."""
    receiver, sender = os.pipe()
    os.set_blocking(sender, False)
    before = signal.set_wakeup_fd(sender, warn_on_full_buffer=False)
    try:
        yield receiver
    finally:
        signal.set_wakeup_fd(before)
        os.close(receiver)
        os.close(sender)


class Spinner:
    """Shows progress: one animated line on a terminal, else one line per change."""

    def __init__(self) -> None:
        self._said = ""
        self._turn = 0

    def say(self, text: str) -> None:
        """Show what is being done. To be called often, since each call advances the animation."""
        if is_terminal():
            frame = _FRAMES[self._turn % len(_FRAMES)]
            self._turn += 1
            room = columns() - 3
            # Much of it comes from the cluster, and a line break would leave the line behind.
            line = clean(" ".join(text.split()))
            shown = line if len(line) <= room else line[: room - 1] + _ELLIPSIS
            sys.stdout.write(f"\r\033[K{frame} {shown}")
            sys.stdout.flush()
        elif text != self._said:
            echo(text)
        self._said = text

    def end(self) -> None:
        """Remove the line."""
        if is_terminal() and self._said:
            sys.stdout.write("\r\033[K")
            sys.stdout.flush()
        self._said = ""


def repaint(text: str) -> None:
    """Clear the terminal and write text."""
    sys.stdout.write(f"\033[H\033[2J{clean(text)}\n")
    sys.stdout.flush()
