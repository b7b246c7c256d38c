"""Objects as the API server has them, and a cluster that holds them without a connection."""

from __future__ import annotations

import itertools
from typing import Any, Final, NoReturn

from setops.api import names
from setops.api.kinds import (
    APP,
    CHANGESET,
    NAMESPACE,
    ORGANIZATION,
    PROJECT,
    SERVICE,
    STAGE,
    Key,
    Kind,
    Object,
)
from setops.changes.outcome import Outcome, Question, outcome_of
from setops.kube.cache import Cache, ObjectChange
from setops.kube.client import Client
from setops.kube.cluster import Cluster
from setops.reconcile.context import Context, Options
from setops.reconcile.planner import Planner
from tests.reconcile.server import Server

HOME: Final = "shop"
"""The namespace of the sample Project."""
SPACE: Final = "shop-production"
"""The namespace of its one Stage."""
OPTIONS: Final = Options("", "setops-system", {}, 60.0)
LABELS: Final = {names.LABEL_PROJECT: "shop", names.LABEL_STAGE: "production"}

_versions = itertools.count(1)


class Offline:
    """A transport that nothing may use."""

    failures = (OSError,)

    async def request(self, method: str, path: str, **_: object) -> NoReturn:
        """Fail: what is tested here asks the cache alone."""
        raise AssertionError(f"the API server was asked: {method} {path}")

    async def close(self) -> None:
        """Nothing is open."""


class World:
    """A cluster and the changes that its cache told of."""

    def __init__(self, *objects: Object) -> None:
        self.changes: list[ObjectChange] = []
        self.cluster = Cluster(Client(Offline()), Cache(self.changes.append))
        for obj in objects:
            self.put(obj)

    def put(self, obj: Object) -> ObjectChange:
        """Take up an object as it is now; the change that this is."""
        versioned = {"resourceVersion": str(next(_versions))}
        self.cluster.cache.put({**obj, "metadata": {**obj["metadata"], **versioned}})
        return self.changes[-1]

    def drop(self, key: Key) -> ObjectChange:
        """Forget an object; the change that this is."""
        self.cluster.cache.drop(key)
        return self.changes[-1]


def make(kind: Kind, name: str, namespace: str = "", **content: Any) -> Object:
    """An object with a uid after its name; `labels`, `owners` and the like go into its metadata."""
    metadata: Object = {"name": name, "uid": f"uid-of-{name}", "generation": 1}
    if namespace:
        metadata["namespace"] = namespace
    for field in ("labels", "ownerReferences", "deletionTimestamp", "annotations", "generation"):
        if field in content:
            metadata[field] = content.pop(field)
    head = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
    return {**head, **content}


def owned_by(owner: Object) -> list[Object]:
    """The owner references of a child."""
    metadata = owner["metadata"]
    names_ = {"name": metadata["name"], "uid": metadata["uid"]}
    return [{"apiVersion": owner["apiVersion"], "kind": owner["kind"], **names_}]


def reported(reason: str = "Ready", status: str = "True", generation: int = 1) -> Object:
    """A status with its Ready condition."""
    ready = {"type": "Ready", "status": status, "reason": reason, "message": f"says {reason}"}
    return {
        "observedGeneration": generation,
        "conditions": [{**ready, "observedGeneration": generation}],
    }


def app(name: str = "web", **content: Any) -> Object:
    return make(APP, name, SPACE, **{"spec": {}, "status": reported(), **content})


def service(name: str = "store", **content: Any) -> Object:
    return make(SERVICE, name, SPACE, **{"spec": {"type": "s3"}, "status": reported(), **content})


def changeset(name: str = "draft", phase: str | None = "Open", **content: Any) -> Object:
    status = {**reported(), "phase": phase} if phase else {}
    return make(CHANGESET, name, SPACE, **{"spec": {}, "status": status, **content})


def stage(**content: Any) -> Object:
    status = {**reported(), "namespace": SPACE}
    return make(STAGE, "production", HOME, **{"spec": {}, "status": status, **content})


def context_of(cluster: Cluster, **more: Any) -> Context:
    """A Context that knows neither AWS nor who records Events; `more` are other fields of it."""
    known: dict[str, Any] = {"events": None, "aws": None, "options": OPTIONS}
    return Context(cluster=cluster, **known | more)


def planning_context(made: Object, server: Server, planner: Planner, **more: Any) -> Context:
    """A Changeset in the sample Stage, what is around it, and who makes its plan."""
    around = [obj for obj in surroundings() if obj["kind"] != ORGANIZATION.kind]
    cluster = Cluster(Client(server), World(*around, made).cluster.cache)
    return context_of(cluster, events=Events(), planner=planner, **more)


class FreePlanner:
    """A planner that is never busy and whose plans cost nothing."""

    async def outcome(self, question: Question, namespace: str) -> Outcome:  # noqa: ARG002 - a port
        """The outcome."""
        return outcome_of(question)

    def seconds(self, namespace: str) -> float:  # noqa: ARG002
        """What the last plan of the Stage took."""
        return 0.0


class Events:
    """Takes up Events."""

    def record(self, *_: object) -> None:
        """Nothing is done with them."""


def surroundings() -> list[Object]:
    """An Organization, a Project and a Stage with their namespaces, ready."""
    return [
        make(ORGANIZATION, "acme", spec={"domain": "example.com"}, status=reported()),
        make(
            PROJECT,
            "shop",
            spec={"organization": "acme"},
            status={**reported(), "namespace": HOME},
        ),
        make(NAMESPACE, HOME, labels={names.LABEL_PROJECT: "shop"}),
        make(NAMESPACE, SPACE, labels=LABELS),
        stage(),
    ]
