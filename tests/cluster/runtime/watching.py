"""All watches of the operator in this process, behind a gate."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from sandbox import Sandbox
from setops.api.kinds import (
    APP,
    CHANGESET,
    NOTIFICATION,
    ORGANIZATION,
    PROJECT,
    SERVICE,
    STAGE,
    Key,
    Kind,
    Object,
)
from setops.kube.cache import Cache, ObjectChange
from setops.kube.client import Client
from setops.kube.cluster import Cluster
from setops.kube.connection import Connection, connect
from setops.kube.recount import Pace
from setops.kube.watched import WATCHED
from setops.runtime.handlers import run_kopf
from setops.runtime.watches import Watches
from tests.cluster.runtime.gate import Gate, gate, until

MANAGED: Final = {"app.kubernetes.io/managed-by": "setops"}
QUICK: Final = Pace(quiet=0.1, lag=0.5, retry=0.2)
SPECS: Final[dict[Kind, Object]] = {
    ORGANIZATION: {"domain": "example.com", "aws": {"accountId": "1" * 12, "region": "eu-west-1"}},
    PROJECT: {"organization": "acme"},
    STAGE: {},
    APP: {"image": "registry.example.com/web:1"},
    SERVICE: {"type": "s3"},
    NOTIFICATION: {"type": "email", "target": "ops@example.com"},
    CHANGESET: {"user": "system:serviceaccount:default:admin", "commands": ["app:create web"]},
}
"""A spec for each kind that users write."""


@dataclass
class Watching:
    """Watches that run."""

    gate: Gate
    cache: Cache
    cluster: Cluster
    watches: Watches
    changes: list[ObjectChange]
    """What the cache told its listener."""
    kubeconfig: Path

    def names(self, kind: Kind, namespace: str) -> set[str]:
        """The names of the objects that the cache knows."""
        return {key.name for key in self.cache.keys(kind, namespace)}

    async def until_names(self, kind: Kind, namespace: str, names: set[str]) -> None:
        """Wait until the cache knows these objects and no others."""
        await until(lambda: self.names(kind, namespace) == names)

    def has(self, key: Key) -> bool:
        """Whether the cache knows an object."""
        return self.cache.get(key) is not None


@contextlib.asynccontextmanager
async def watching(
    sandbox: Sandbox, directory: Path, pace: Pace | None = None
) -> AsyncIterator[Watching]:
    """Watch everything with a token, over plain HTTP, as the operator does in tests of its rights.

    Everything is in the cache at the start.
    """
    async with connected(sandbox, directory) as (opened, connection):
        changes: list[ObjectChange] = []
        cluster = Cluster(Client(connection), Cache(changes.append))
        watches = Watches(cluster.client, cluster.cache, pace=pace)
        running = asyncio.create_task(run(connection, watches))
        synced = asyncio.create_task(watches.synced.wait())
        try:
            async with asyncio.timeout(30):
                await asyncio.wait({running, synced}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            await until(lambda: opened.watches == len(WATCHED))
            kubeconfig = directory / "kubeconfig"
            yield Watching(opened, cluster.cache, cluster, watches, changes, kubeconfig)
        finally:
            running.cancel()
            synced.cancel()
            await asyncio.gather(running, synced, return_exceptions=True)


@contextlib.asynccontextmanager
async def connected(sandbox: Sandbox, directory: Path) -> AsyncIterator[tuple[Gate, Connection]]:
    """An open gate, and a connection through it."""
    token = sandbox.kubectl("create", "token", "admin", "-n", "default").stdout.strip()
    async with gate(sandbox, token) as opened:
        write_kubeconfig(directory / "kubeconfig", opened.url, token)
        connection = await connect(str(directory / "kubeconfig"))
        try:
            yield opened, connection
        finally:
            await connection.close()


async def run(connection: Connection, watches: Watches) -> None:
    """All that follows the cluster, as in the operator."""
    async with asyncio.TaskGroup() as group:
        group.create_task(run_kopf(connection, watches, "test", lambda: None))
        group.create_task(watches.follow_children(connection))
        group.create_task(watches.recount())


def write_kubeconfig(path: Path, server: str, token: str) -> None:
    """Write a kubeconfig with a token."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def admin(sandbox: Sandbox) -> Iterator[None]:
    """The ServiceAccount whose token is used."""
    sandbox.kubectl("create", "serviceaccount", "admin", "-n", "default")
    sandbox.kubectl(
        "create",
        "clusterrolebinding",
        "test-admin",
        "--clusterrole=cluster-admin",
        "--serviceaccount=default:admin",
    )
    yield
    sandbox.kubectl("delete", "clusterrolebinding", "test-admin")
    sandbox.kubectl("delete", "serviceaccount", "admin", "-n", "default")


def manifest(kind: Kind, name: str, namespace: str, **metadata: Any) -> Object:
    """An object of a kind that users write, or a child with our label."""
    place = {"namespace": namespace} if kind.namespaced else {}
    labels = {} if kind in SPECS else MANAGED
    content = {"spec": SPECS[kind]} if kind in SPECS else {}
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": name, **place, "labels": labels, **metadata},
        **content,
    }


def make(sandbox: Sandbox, kind: Kind, namespace: str, *names: str) -> None:
    """Make objects, by kubectl and not through the gate."""
    items = [manifest(kind, name, namespace) for name in names]
    listed = {"apiVersion": "v1", "kind": "List", "items": items}
    sandbox.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(listed))


def delete(sandbox: Sandbox, kind: Kind, namespace: str, *names: str) -> None:
    """Delete objects, by kubectl and not through the gate."""
    what = f"{kind.plural}.{kind.group}".rstrip(".")
    place = ("-n", namespace) if kind.namespaced else ()
    sandbox.kubectl("delete", what, *names, *place)
