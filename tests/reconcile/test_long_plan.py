"""A plan may take seconds, in which others write."""

from __future__ import annotations

import asyncio
import json
from typing import cast

from setops.api.kinds import ORGANIZATION, STAGE, Object, key_of
from setops.aws.gateway import Gateway
from setops.changes.outcome import Outcome, Question, outcome_of
from setops.kube.client import Client
from setops.kube.cluster import Cluster
from setops.kube.events import EventRecorder
from setops.kube.transport import Answer
from setops.reconcile.context import Context, Options
from setops.reconcile.driver import reconcile
from tests.reconcile import samples
from tests.reconcile.samples import changeset
from tests.reconcile.server import Server
from tests.reconcile.test_busy_planner import Events


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

    def __init__(self, world: samples.World, server: Strict) -> None:
        self._world = world
        self._server = server

    async def outcome(self, question: Question, namespace: str) -> Outcome:  # noqa: ARG002 - a port
        """The outcome, after another status has come to the Stage."""
        stage = samples.stage()
        written = self._world.put({**stage, "status": {**stage["status"], "revision": 7}})
        assert written.new is not None
        self._server.stage = written.new
        return outcome_of(question)

    def seconds(self, namespace: str) -> float:  # noqa: ARG002
        """What the last plan of the Stage took."""
        return 10.0


def test_a_commit_locks_the_stage_as_it_is_after_the_plan() -> None:
    made = changeset("one", None, spec={"commands": ["app:create web"], "commit": True})
    around = [obj for obj in samples.surroundings() if obj["kind"] != ORGANIZATION.kind]
    world = samples.World(*around, made)
    server = Strict(made, samples.stage())
    context = Context(
        cluster=Cluster(Client(server), world.cluster.cache),
        events=cast(EventRecorder, Events()),
        aws=cast(Gateway, None),
        options=Options("", "setops-system", {}, 60.0),
        planner=Long(world, server),
    )
    asyncio.run(reconcile(context, key_of(made)))
    stage = server.objects[STAGE.path(samples.HOME, "production")]
    assert stage["status"]["currentChangeset"]["changeset"] == "one", "at the first attempt"
