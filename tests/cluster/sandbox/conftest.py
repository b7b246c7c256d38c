"""One sandbox for all tests that don't end it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox import Sandbox

Apply = Callable[[dict[str, Any]], None]
Read = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start() as running:
        yield running


@pytest.fixture
def apply(sandbox: Sandbox) -> Apply:
    """Applies one object."""

    def function(manifest: dict[str, Any]) -> None:
        sandbox.kubectl("apply", "--filename=-", input=json.dumps(manifest))

    return function


@pytest.fixture
def read(sandbox: Sandbox) -> Read:
    """Reads an object of the default namespace, named as KIND/NAME."""

    def function(name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(sandbox.kubectl("get", name, "--output=json").stdout)
        return found

    return function
