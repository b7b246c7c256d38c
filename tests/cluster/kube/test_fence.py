"""Nothing is written behind a closed fence, by whatever verb, and reads go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from sandbox import Sandbox
from setops.api.kinds import SECRET, Key, Object
from setops.fence import Fence, FencedError, Tenure
from setops.kube.client import Client
from setops.kube.connection import connect


@dataclass
class Clock:
    """Goes on by itself after so many looks at it."""

    looks: int = 0
    jumps_after: int = 1_000_000

    def __call__(self) -> float:
        self.looks += 1
        return 0.0 if self.looks <= self.jumps_after else 100.0


def secret(namespace: str, name: str, text: str = "old") -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"a": text}}


Write = Callable[[Client, Object], Awaitable[object]]
WRITES: dict[str, Write] = {
    "create": lambda client, live: client.create(secret(_place(live), "another")),
    "create, dry run": lambda client, live: client.create(
        secret(_place(live), "another"), dry_run=True
    ),
    "replace": lambda client, live: client.replace({**live, "stringData": {"a": "new"}}),
    "apply": lambda client, live: client.apply(secret(_place(live), "there", "new")),
    "apply of a new one": lambda client, live: client.apply(secret(_place(live), "another")),
    "merge patch": lambda client, live: client.merge_patch(_key(live), {"stringData": {"a": "n"}}),
    "delete": lambda client, live: client.delete(_key(live)),
}


def _place(live: Object) -> str:
    return str(live["metadata"]["namespace"])


def _key(live: Object) -> Key:
    return Key(SECRET, _place(live), live["metadata"]["name"])


@pytest.mark.parametrize("asked", [0, 1], ids=["before the call", "with the connection open"])
@pytest.mark.parametrize("verb", WRITES)
def test_no_write_leaves(sandbox: Sandbox, namespace: str, verb: str, asked: int) -> None:
    clock, tenure = Clock(), Tenure("Lease")
    tenure.until = 50.0
    write = WRITES[verb]

    async def story() -> None:
        free = Client(await connect(str(sandbox.kubeconfig)))
        fenced = Client(await connect(str(sandbox.kubeconfig), Fence(tenure, clock=clock)))
        try:
            live = await free.create(secret(namespace, "there"))
            clock.looks, clock.jumps_after = 0, asked
            with pytest.raises(FencedError, match="Lease was not renewed"):
                await write(fenced, live)
            assert await fenced.get(_key(live)) == live, "reads go on"
            assert [each["metadata"]["name"] for each in await fenced.list(SECRET, namespace)] == [
                "there"
            ]
            clock.looks, clock.jumps_after = 0, 1_000_000
            await write(fenced, live)
        finally:
            await free.close()
            await fenced.close()

    asyncio.run(story())
