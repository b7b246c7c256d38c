"""Kubernetes quantities: `1024Mi` is `1Gi`, `0.5` is `500m`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

_SUFFIXES: Final[Mapping[str, Decimal]] = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
    "Pi": Decimal(2) ** 50,
    "Ei": Decimal(2) ** 60,
}


# `1e3` has an exponent, `1E` a suffix.
_NUMBER: Final = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_QUANTITY: Final = re.compile(rf"({_NUMBER})([numkMGTPE]|[KMGTPE]i)?")


def parse(quantity: str | float) -> Decimal:
    """The value of a quantity as a number. Raises ValueError if it isn't a quantity."""
    match = _QUANTITY.fullmatch(str(quantity))
    if match is None:
        raise ValueError(f"{quantity!r} isn't a quantity")
    return Decimal(match[1]) * _SUFFIXES[match[2] or ""]


def equal(one: str | float, other: str | float) -> bool:
    """Whether two quantities have the same value. One that can't be parsed equals only itself."""
    if one == other:
        return True
    try:
        return parse(one) == parse(other)
    except ValueError:
        return False
