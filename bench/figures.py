"""Figures, and how they are shown. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

_HEADS: Final = ("", "value", "unit", "target", "")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; a target is an upper bound, None for a value that is only told."""

    name: str
    value: float
    unit: str
    target: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        return None if self.target is None else self.value <= self.target


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned lines."""
    rows = [_HEADS, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = []
    for name, value, unit, target, met in rows:
        cells = (
            name.ljust(widths[0]),
            value.rjust(widths[1]),
            unit.ljust(widths[2]),
            target.rjust(widths[3]),
            met,
        )
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def to_json(figures: Sequence[Figure]) -> str:
    """A JSON list of {name, value, unit, target, met}."""
    return json.dumps([{**asdict(figure), "met": figure.met} for figure in figures], indent=2)


def _row(figure: Figure) -> tuple[str, str, str, str, str]:
    target = "" if figure.target is None else f"≤ {_number(figure.target)}"
    met = {None: "", True: "met", False: "MISSED"}[figure.met]
    return figure.name, _number(figure.value), figure.unit, target, met


def _number(value: float) -> str:
    """Two digits after the point, as many as any of these figures is exact to; none for counts."""
    return str(int(value)) if value == int(value) else f"{value:.2f}"
