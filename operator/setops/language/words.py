"""Splits a line into words as a shell does, with quotes, backslashes and line continuations."""

from __future__ import annotations

import re
from typing import Final

from setops.api.errors import Problem, ProblemsError, Validator

# All quantifiers are possessive, so no line causes backtracking.
_PIECE: Final = re.compile(
    r"""
      (?P<blank>[ \t\r\n]++)
    | (?P<plain>[^ \t\r\n'"\\]++)
    | '(?P<single>[^']*+)'
    | "(?P<double>(?:[^"\\]|\\.)*+)"
    | \\(?P<continued>\r?\n)
    | \\(?P<escaped>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# In double quotes, a backslash before any other character stands for itself.
_ESCAPED: Final = re.compile(r'\\(?:\r?\n|([$`"\\]))')


def split(line: str) -> list[str]:
    """The words of a line, without any expansion. Raises ProblemsError for an open quote."""
    words: list[str] = []
    word: list[str] = []
    position = 0
    while position < len(line):
        piece = _PIECE.match(line, position)
        if piece is None:
            raise ProblemsError([_open_quote()])
        position = piece.end()
        match piece.lastgroup:
            case "blank":
                if word:
                    words.append("".join(word))
                    word = []
            case "double":
                word.append(_ESCAPED.sub(lambda found: found[1] or "", piece["double"]))
            case "plain" | "single" | "escaped" as kind:
                word.append(piece[kind])
            case _:
                # The word continues on the next line.
                pass
    return [*words, "".join(word)] if word else words


def _open_quote() -> Problem:
    return Problem(
        "",
        Validator.INVALID_FORMAT,
        "a quote isn't closed, or a backslash stands last; close the quote, and put a value "
        "with quotes or backslashes in single quotes",
    )
