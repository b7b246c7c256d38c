"""A client of a sandbox that remembers what it sent."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from sandbox import Sandbox
from setops.api.kinds import Kind
from setops.kube.cache import Cache, ObjectChange
from setops.kube.client import Client, Verb
from setops.kube.cluster import Cluster
from setops.kube.connection import connect


@dataclass
class Bench:
    """A cluster, the requests that went to it and the changes that its cache told of."""

    cluster: Cluster
    requests: list[tuple[Verb, str, int]] = field(default_factory=list)
    changes: list[ObjectChange] = field(default_factory=list)

    @property
    def writes(self) -> list[Verb]:
        """The verbs of the writes since they were last taken."""
        verbs = [verb for verb, _, _ in self.requests if verb not in ("get", "list")]
        self.requests.clear()
        return verbs


@contextlib.asynccontextmanager
async def bench(sandbox: Sandbox) -> AsyncIterator[Bench]:
    """A bench with the administrator's rights."""

    def observe(verb: Verb, kind: Kind, status: int, _dry_run: bool) -> None:
        made.requests.append((verb, kind.kind, status))

    client = Client(await connect(str(sandbox.kubeconfig)), observer=observe)
    made = Bench(Cluster(client, Cache()))
    made.cluster.cache.listener = made.changes.append
    try:
        yield made
    finally:
        await client.close()
