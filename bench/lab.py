"""A control plane to measure on, and the ways to work with it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from bench import work
from sandbox import Sandbox
from sandbox.operator_process import Operator
from sandbox.proxy import Proxy
from setops.api.conditions import ConditionType, is_true
from setops.api.kinds import DEPLOYMENT, PROJECT, Key, Object, key_of
from setops.kube.client import Client
from setops.kube.connection import Connection, connect

CONCURRENCY: Final = 32
PATIENCE: Final = 600.0
_POLL: Final = 0.25
VALUES: Final = {"lease": {"duration": 15, "renewDeadline": 10, "retryPeriod": 2}}
"""The chart's own times: with the short ones of tests, a busy machine costs the leadership."""


class Lab:
    """A sandbox with an operator in it, and a connection as its administrator."""

    def __init__(self, sandbox: Sandbox, operator: Operator, connection: Connection) -> None:
        self.sandbox = sandbox
        self.operator = operator
        self.connection = connection
        self.client = Client(connection)

    async def kubectl_apply(self, objects: Sequence[Object]) -> float:
        """`kubectl apply --server-side` of objects; the seconds it took."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        started = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            self.sandbox.tools / "kubectl",
            *("apply", "--server-side", "--filename=-"),
            env=self.sandbox.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate(json.dumps(listed).encode())
        assert process.returncode == 0, said.decode()
        return time.monotonic() - started

    async def apply_at_once(self, objects: Sequence[Object]) -> float:
        """Server-side applies of objects, many at a time; the seconds they took."""
        started = time.monotonic()
        await in_parallel(self.client.apply(obj) for obj in objects)
        return time.monotonic() - started

    async def ready(self, obj: Object) -> None:
        """Make an object of ours, and wait until it is ready."""
        await self.client.apply(obj)
        await self.until(lambda: self._is_ready(key_of(obj)), f"{key_of(obj)} to be ready")

    async def _is_ready(self, key: Key) -> bool:
        live = await self.client.get(key)
        return is_true(live.get("status"), ConditionType.READY, live["metadata"]["generation"])

    async def rolled_out(self, namespace: str) -> None:
        """Wait until all containers of all Deployments of a namespace run."""
        await self.until(
            lambda: self._all_available(namespace), f"the Deployments in {namespace} to run"
        )

    async def _all_available(self, namespace: str) -> bool:
        return all(
            (deployment.get("status") or {}).get("availableReplicas", 0)
            == deployment["spec"]["replicas"]
            for deployment in await self.client.list(DEPLOYMENT, namespace)
        )

    async def until(
        self, holds: Callable[[], Awaitable[bool]], what: str, poll: float = _POLL
    ) -> None:
        """Wait until something holds. Raises TimeoutError that names it."""
        deadline = time.monotonic() + PATIENCE
        while not await holds():
            if not self.operator.alive:
                raise RuntimeError(f"the operator has ended:\n{self.operator.log[-4000:]}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {PATIENCE:.0f} s in vain for {what}")
            await asyncio.sleep(poll)

    async def project(self) -> None:
        """Make the Organization and the Project that all is measured in."""
        for obj in work.surroundings():
            if obj["kind"] == PROJECT.kind:
                await self.ready(obj)
            else:
                await self.client.apply(obj)


@asynccontextmanager
async def lab(*, proxied: bool = False) -> AsyncIterator[tuple[Lab, Proxy]]:
    """A new control plane with the operator, behind a proxy if `proxied`.

    The proxy speaks TLS on both sides, so that the operator has the same work as without it.
    """
    with (
        Sandbox.start(aws=False) as sandbox,
        Proxy(sandbox.server, sandbox.authority, certificate=sandbox.certificate) as proxy,
        sandbox.operator(values=VALUES, api_proxy=proxy.url if proxied else None) as operator,
    ):
        connection = await connect(str(sandbox.kubeconfig))
        try:
            yield Lab(sandbox, operator, connection), proxy
        finally:
            await connection.close()


async def in_parallel(calls: Iterable[Awaitable[object]]) -> None:
    """Await all, `CONCURRENCY` at a time, in their order."""
    limit = asyncio.Semaphore(CONCURRENCY)

    async def bounded(call: Awaitable[object]) -> None:
        async with limit:
            await call

    await asyncio.gather(*(bounded(call) for call in calls))
