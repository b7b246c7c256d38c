"""What Go's YAML library, which kubectl uses, takes a plain word for.

PyYAML reads dates, and numbers to the base of 60, out of words that are text there.
"""

from __future__ import annotations

import math
import re
from typing import Final

_TRUE: Final = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE: Final = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_INFINITE: Final = tuple(
    f"{sign}.{word}" for sign in ("", "+", "-") for word in ("inf", "Inf", "INF")
)
_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), "null"),
    **dict.fromkeys((*_TRUE, *_FALSE), "bool"),
    **dict.fromkeys((".nan", ".NaN", ".NAN", *_INFINITE), "float"),
    "<<": "merge",
}
_WHOLE: Final = re.compile(
    r"([-+]?)(?:0[bB]([01]+)|0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))"
)
_REAL: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASES: Final = (2, 16, 8, 10)


def meaning(word: str) -> str:
    """The name of its type: null, bool, int, float, merge, or str for text."""
    if word in _WORDS:
        return _WORDS[word]
    found = number(word)
    return "str" if found is None else type(found).__name__


def truth(word: str) -> bool:
    """Whether a word of type bool is true."""
    return word in _TRUE


def number(word: str) -> int | float | None:
    """The number that a word is, or None. One that is too large is text."""
    if not word or word[0] not in "+-.0123456789":
        return None
    plain = word if word[0] == "." else word.replace("_", "")
    whole = _WHOLE.fullmatch(plain)
    if whole:
        sign, *digits = whole.groups()
        value = next(int(d, base) for d, base in zip(digits, _BASES, strict=True) if d)
        value = -value if sign == "-" else value
        # Only an unsigned word may take the 64th bit.
        if -(2**63) <= value < (2**63 if sign else 2**64):
            return value
    real = float(plain) if _REAL.fullmatch(plain) else math.inf
    return None if math.isinf(real) else real
