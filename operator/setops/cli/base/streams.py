"""The standard streams, arguments and environment: UTF-8, whatever the locale says.

Python decodes them by the locale, so that on a computer without UTF-8 the same bytes would be
another text. And it takes a closed stream for None and an unwritable one for an error like any
other; here both are said in words.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import select
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from setops.api.errors import Code, Problem, ProblemsError, Validator

_NULL_MODES: Final = (os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)
"""How streams that are closed are opened: so that to use one is an error, but for the last one."""


class OutputError(Exception):
    """Standard output can't be written."""


class _Stream(io.FileIO):
    """A stream that is waited for, though a program that shares it made it non-blocking."""

    def readinto(self, buffer: Any) -> int:
        while True:
            count: int | None = super().readinto(buffer)
            if count is not None:
                return count
            select.select([self.fileno()], [], [])

    def write(self, data: Any) -> int:
        while True:
            written: int | None = super().write(data)
            if written is not None:
                return written
            select.select([], [self.fileno()], [])


class _Output(_Stream):
    reader_is_gone = False

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            # Whoever reads has seen enough, as `head` does. What was begun is done all the same.
            self.reader_is_gone = True
            silence(self)
            return super().write(data)
        except OSError as error:
            raise OutputError(error.strerror or str(error)) from error


def prepare() -> None:
    """Make the standard streams UTF-8, and open those that are closed.

    To be called once, before anything is opened: a file must not get the number of a closed stream.
    """
    for number, mode in enumerate(_NULL_MODES):
        if not _is_open(number):
            os.set_inheritable(os.open(os.devnull, mode), True)
    # A stream of its own rather than `reconfigure`, which can't tell where an error came from.
    sys.stdout = _text(_Output(1, "wb", closefd=False))
    sys.stderr = _text(_Stream(2, "wb", closefd=False), errors="backslashreplace")
    given = io.BufferedReader(_Stream(0, "rb", closefd=False))
    sys.stdin = io.TextIOWrapper(given, "utf-8", errors="replace")


def close_input() -> None:
    """Let standard input be empty, and no terminal."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def check_output() -> None:
    """Raise ProblemsError if standard output can't be written, before anything is done."""
    try:
        os.write(1, b"")
    except OSError as error:
        message = (
            f"standard output can't be written ({error.strerror}), so nothing was done; if you "
            "want no output, write > /dev/null"
        )
        problem = Problem("", Validator.INVALID, message, Code.SERVER_FAILURE)
        raise ProblemsError([problem]) from None


def end(code: int) -> int:
    """Write what is still to be written. The exit code, which isn't 0 if that fails."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OutputError, OSError):
            silence(stream)
            code = code or 1
    return code


def silence(stream: Any) -> None:
    """Let what is written to a stream go nowhere, what it still holds included."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def is_read() -> bool:
    """Whether somebody may still read standard output, as far as it is known."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return not getattr(raw, "reader_is_gone", False)


def emit(text: str) -> None:
    """Write text for programs to standard output: as it is, with a line break at the end."""
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(f"{text}\n")
        return
    sys.stdout.flush()
    buffer.write(f"{text}\n".encode())
    buffer.flush()


def arguments(words: Sequence[str]) -> list[str]:
    """The arguments as UTF-8. Raises ProblemsError for bytes that are none."""
    found, problems = [], []
    for place, word in enumerate(words, start=1):
        content = os.fsencode(word)
        try:
            found.append(content.decode())
        except UnicodeDecodeError:
            shown = content.decode(errors="backslashreplace")
            message = f"argument {place} ({shown}) isn't text in UTF-8; write it in UTF-8"
            problems.append(Problem("", Validator.INVALID_FORMAT, message, Code.VALIDATION_FAILED))
    if problems:
        raise ProblemsError(problems)
    return found


def environment() -> Mapping[str, str]:
    """The environment as UTF-8, without the variables that are none."""
    found = {}
    for name, value in os.environ.items():
        with contextlib.suppress(UnicodeDecodeError):
            found[os.fsencode(name).decode()] = os.fsencode(value).decode()
    return found


def read_text(name: str, limit: int, check: Callable[[int], None] | None = None) -> str:
    """Up to about `limit` bytes of a UTF-8 file, of standard input for `-`, without a byte order
    mark.

    `check` is called with the descriptor of a file before it is read. Raises OSError, and
    UnicodeDecodeError for anything but UTF-8.
    """
    if name == "-" and getattr(sys.stdin, "buffer", None) is None:
        return sys.stdin.read(limit)
    with contextlib.ExitStack() as open_:
        if name == "-":
            content = sys.stdin.buffer.read(limit)
        else:
            file = open_.enter_context(open(name.encode(), "rb"))
            if check is not None:
                check(file.fileno())
            content = file.read(limit)
    # A character that the limit cuts in two is no error.
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    return decoder.decode(content, final=len(content) < limit)


def _text(raw: io.FileIO, errors: str = "replace") -> io.TextIOWrapper:
    made = io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", errors=errors)
    made.reconfigure(line_buffering=raw.isatty() or raw.fileno() == 2)
    return made


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
