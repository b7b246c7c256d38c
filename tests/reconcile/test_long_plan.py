"""A plan may take seconds, in which others write."""

from __future__ import annotations

import asyncio
import json

from setops.api.kinds import STAGE, Object, key_of
from setops.changes.outcome import Outcome, Question, outcome_of
from setops.kube.cluster import Cluster
from setops.kube.transport import Answer
from setops.reconcile.driver import reconcile
from tests.reconcile import samples
from tests.reconcile.samples import changeset, planning_context
from tests.reconcile.server import Server


class Strict(Server):
    """An API server that keeps one Stage, and takes no change of what it was before."""

    stage: Object

    async def request(
        self, method: str, path: str, *, body: bytes | None = None, **more: object
    ) -> Answer:
        guard = (json.loads(body or b"{}").get("metadata") or {}).get("resourceVersion")
        if STAGE.plural in path and guard != self.stage["metadata"]["resourceVersion"]:
            return Answer(409, {}, b'{"kind": "Status", "code": 409, "reason": "Conflict"}')
        return await super().request(method, path, body=body, **more)


class Long:
    """A planner that works while somebody writes the Stage's status."""

    cluster: Cluster

    def __init__(self, server: Strict) -> None:
        self._server = server

    async def outcome(self, question: Question, namespace: str) -> Outcome:  # noqa: ARG002 - a port
        """The outcome, after another status has come to the Stage."""
        stage = samples.stage()
        metadata = {**stage["metadata"], "resourceVersion": "5000"}
        written = {**stage, "metadata": metadata, "status": {**stage["status"], "revision": 7}}
        self._server.stage = written
        self.cluster.cache.put(written)
        return outcome_of(question)

    def seconds(self, namespace: str) -> float:  # noqa: ARG002
        """What the last plan of the Stage took."""
        return 10.0


def test_a_commit_locks_the_stage_as_it_is_after_the_plan() -> None:
    made = changeset("one", None, spec={"commands": ["app:create web"], "commit": True})
    server = Strict(made, samples.stage())
    planner = Long(server)
    context = planning_context(made, server, planner)
    planner.cluster = context.cluster
    asyncio.run(reconcile(context, key_of(made)))
    stage = server.objects[STAGE.path(samples.HOME, "production")]
    assert stage["status"]["currentChangeset"]["changeset"] == "one", "at the first attempt"
