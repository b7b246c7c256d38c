"""The plan's idea of what can be stored is etcd's: what it lets through is stored, and no less."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

import pytest

from sandbox import Sandbox
from setops.api.app import AppSpec
from setops.api.definition import StageDefinition, load
from setops.api.kinds import APP, DEPLOYMENT, Object, key_of
from setops.changes.weight import too_heavy
from setops.desired.app import AppObjects, app_objects
from setops.desired.metadata import Owner, StageNames
from setops.kube.errors import NotFound, TooLarge
from tests.cluster.kube.support import bench

Shape = Callable[[int], dict[str, Any]]
"""An App's spec of some size, by the number of kilobytes or the like."""


def _values(text: str, each: int = 1000) -> Shape:
    def spec(size: int) -> dict[str, Any]:
        big, rest = divmod(size, 32 * 1000 // (each * len(text)) or 1)
        counts = [32 * 1000 // (each * len(text)) or 1] * big + ([rest] if rest else [])
        env = {f"K{n:04}": {"value": text * each * count} for n, count in enumerate(counts)}
        return {"image": "a", "env": env}

    return spec


def _check(size: int) -> dict[str, Any]:
    words = ["x" * 8000] * (size // 8) + ["x" * 1000] * (size % 8)
    return {"image": "a", "container": {"healthCheck": {"command": words or ["x"]}}}


SHAPES: Final[dict[str, Shape]] = {
    "plain": _values("x"),
    "dollars": _values("$"),
    "markup": _values("<"),
    "quotes": _values('"'),
    "letters": _values("ü"),
    "emoji": _values("\U0001f600"),
    "a check": _check,
}


def _heavy(spec: dict[str, Any]) -> bool:
    return any(too_heavy(StageDefinition(), load({"apps": {"web": spec}})))


def _most(shape: Shape) -> int:
    """The largest size that the plan lets through."""
    low, high = 1, 1600
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _heavy(shape(middle)) else (middle, high)
    return low


def _objects(namespace: str, spec: dict[str, Any]) -> Iterator[Object]:
    metadata = {"name": "web", "namespace": namespace}
    yield {"apiVersion": APP.api_version, "kind": "App", "metadata": metadata, "spec": spec}
    made = app_objects(
        AppObjects(
            name="web",
            spec=AppSpec.model_validate(spec),
            stage=StageNames("project", "stage", namespace),
            owner=Owner(APP, "web", "00000000-0000-0000-0000-000000000000"),
            link_secrets={},
        )
    )
    yield next(obj for obj in made if obj["kind"] == DEPLOYMENT.kind)


@pytest.mark.parametrize("name", SHAPES)
def test_what_the_plan_lets_through_is_stored(sandbox: Sandbox, namespace: str, name: str) -> None:
    shape = SHAPES[name]
    most = _most(shape)

    async def story() -> None:
        async with bench(sandbox) as bench_:
            client = bench_.cluster.client
            for obj in _objects(namespace, shape(most)):
                stored = await client.apply(obj)
                with suppress(NotFound):  # its owner doesn't exist, so the garbage collector comes
                    await client.delete(key_of(stored), propagation="Background")
            refused = 0
            for obj in _objects(namespace, shape(most + most // 20 + 1)):
                try:
                    await client.apply(obj)
                except TooLarge:
                    refused += 1
            assert refused > 0, "the limit isn't lower than it needs to be"

    asyncio.run(story())
