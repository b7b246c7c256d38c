"""JSON in the spelling of YAML. Pure.

Every JSON text would be YAML but for two things. JSON may escape a character beyond U+FFFF as a
pair of surrogates. And it may hold characters as they are that YAML refuses, such as DEL, or takes
for the end of a line, such as U+2028. Both are spelt anew, and places in the new text are traced
back to the old one.
"""

from __future__ import annotations

import bisect
import json
import re
from typing import Final

_PAIR: Final = r"(?<!\\)(?P<before>(?:\\\\)*)\\u(?P<high>d[89ab]..)\\u(?P<low>d[c-f]..)"
_RAW: Final = r"(?P<raw>[\x7f-\x9f\u2028\u2029\ufffe\uffff])"
_FOREIGN: Final = re.compile(f"{_PAIR}|{_RAW}", re.IGNORECASE)


class Respelling:
    """A text that YAML can read, and the places in it."""

    def __init__(self, text: str) -> None:
        self._grown: dict[int, list[tuple[int, int]]] = {}
        """By line, from 0: columns of the new text, and how many characters it has more so far."""
        if _FOREIGN.search(text) and _is_json(text):
            text = "\n".join(map(self._respelt, range(text.count("\n") + 1), text.split("\n")))
        self.text = text

    def column(self, line: int, column: int) -> int:
        """The column in the old text of a place in the new one; both count from 0."""
        grown = self._grown.get(line, [])
        at = bisect.bisect_right(grown, (column, 0))
        return column - grown[at - 1][1] if at else column

    def _respelt(self, line: int, text: str) -> str:
        more = 0

        def spelt(match: re.Match[str]) -> str:
            nonlocal more
            new = _spelt(match)
            more += len(new) - len(match[0])
            self._grown.setdefault(line, []).append((match.end() + more, more))
            return new

        return _FOREIGN.sub(spelt, text)


def _spelt(match: re.Match[str]) -> str:
    if raw := match["raw"]:
        return f"\\u{ord(raw):04x}"
    pair = chr(int(match["high"], 16)) + chr(int(match["low"], 16))
    character = ord(pair.encode("utf-16", "surrogatepass").decode("utf-16"))
    return f"{match['before']}\\U{character:08x}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
