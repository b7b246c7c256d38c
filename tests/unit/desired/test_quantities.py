"""Units of the platform as quantities of Kubernetes."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setops.desired.quantities import cpu, memory

MIB = {"Mi": 1, "Gi": 1024, "Ti": 1024**2}


@pytest.mark.parametrize(
    ("units", "quantity"),
    [(128, "125m"), (256, "250m"), (1024, "1"), (1152, "1125m"), (2048, "2"), (196608, "192")],
)
def test_cpu(units: int, quantity: str) -> None:
    assert cpu(units) == quantity


@pytest.mark.parametrize(
    ("megabytes", "quantity"),
    [
        (128, "128Mi"),
        (1024, "1Gi"),
        (1152, "1152Mi"),
        (1024**2, "1Ti"),
        (1024**2 + 1024, "1025Gi"),
        (3 * 1024**2, "3Ti"),
    ],
)
def test_memory(megabytes: int, quantity: str) -> None:
    assert memory(megabytes) == quantity


@given(st.integers(1, 1536).map(lambda step: step * 128))
def test_steps_of_cpu_are_exact(units: int) -> None:
    text = cpu(units)
    cores = Fraction(int(text[:-1]), 1000) if text.endswith("m") else Fraction(text)
    assert cores == Fraction(units, 1024)


@given(st.integers(1, 24576).map(lambda step: step * 128))
def test_memory_is_exact(megabytes: int) -> None:
    text = memory(megabytes)
    assert int(text[:-2]) * MIB[text[-2:]] == megabytes
