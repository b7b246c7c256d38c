"""Quantities by their value."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setops.kube import quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1024Mi", Decimal(2) ** 30),
        ("1Gi", Decimal(2) ** 30),
        ("0.5", Decimal("0.5")),
        ("500m", Decimal("0.5")),
        ("1k", Decimal(1000)),
        ("1e3", Decimal(1000)),
        ("1E", Decimal(10) ** 18),
        ("1.5Gi", Decimal("1.5") * 2**30),
        (2, Decimal(2)),
        ("-3", Decimal(-3)),
        ("100n", Decimal("1e-7")),
    ],
)
def test_value(text: str | int, value: Decimal) -> None:
    assert quantity.parse(text) == value


@pytest.mark.parametrize("text", ["", "Mi", "1Mb", "one", "1 Gi", "1Gi2"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="isn't a quantity"):
        quantity.parse(text)


def test_what_cannot_be_parsed_equals_itself() -> None:
    assert quantity.equal("x", "x")
    assert not quantity.equal("x", "y")


@given(st.integers(0, 10**9))
def test_a_mebibyte_is_1024_kibibytes(number: int) -> None:
    assert quantity.equal(f"{number}Mi", f"{number * 1024}Ki")
    assert quantity.equal(f"{number}", f"{number * 1000}m")
