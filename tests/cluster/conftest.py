"""A control plane with the operator, installed by its chart and run under its rights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from sandbox import Sandbox
from tests.cluster.world import World

VALUES: Final = {"lease": {"duration": 30, "renewDeadline": 20, "retryPeriod": 0.5}}
"""Nobody kills the operator here, and a busy machine is no reason to lose the Lease."""


@pytest.fixture(scope="module")
def world(sandbox: Sandbox) -> Iterator[World]:
    """The operator at work, for the tests of one module."""
    with sandbox.operator(values=VALUES) as operator:
        yield World(sandbox, operator)
