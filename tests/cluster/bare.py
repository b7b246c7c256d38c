"""Fixtures of a control plane with our CRDs and no operator, and a namespace for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Sandbox

CRDS = Path(__file__).parents[2] / "crds"


@pytest.fixture(scope="session")
def sandbox(sandbox: Sandbox) -> Sandbox:
    """The control plane that all tests share, with our CRDs."""
    sandbox.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    sandbox.kubectl("wait", "--for=condition=Established", "-f", str(CRDS))
    return sandbox


@pytest.fixture
def namespace(sandbox: Sandbox) -> Iterator[str]:
    """A namespace of its own, which goes with the test."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    sandbox.kubectl("create", "namespace", name)
    yield name
    sandbox.kubectl("delete", "namespace", name, "--wait=false")
