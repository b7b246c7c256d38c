"""A control plane with the operator, installed by its chart and run under its rights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox import Sandbox
from tests.cluster.world import World


@pytest.fixture(scope="module")
def world(sandbox: Sandbox) -> Iterator[World]:
    """The operator at work, for the tests of one module."""
    with sandbox.operator() as operator:
        yield World(sandbox, operator)
