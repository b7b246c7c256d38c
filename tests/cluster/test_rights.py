"""The operator may do what it does, and nothing else: its real calls beside the chart's roles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
import yaml

from sandbox import Sandbox
from sandbox.proxy import Proxy, Record, Request
from tests.cluster.world import World, manifest, organization

Right = tuple[str, str, str]
"""API group, resource with its subresource, verb."""

IMAGE: Final = "registry.example.com/web:1"

_VERBS: Final = {
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
# What a story without mishaps doesn't need, and why the operator may do it.
RECOVERY: Final[dict[Right, str]] = {
    **{
        ("setops.co", kind, "get"): "read anew where a write's answer was lost"
        for kind in (
            "organizations",
            "projects",
            "stages",
            "apps",
            "services",
            "notifications",
            "changesets",
        )
    },
    ("", "namespaces", "get"): "looks whose a namespace is that exists already",
    ("apps", "controllerrevisions", "get"): "reads the revision that a commit started from",
    ("", "services", "update"): "puts back what a server-side apply leaves behind",
    ("", "serviceaccounts", "update"): "puts back what a server-side apply leaves behind",
    ("", "resourcequotas", "update"): "puts back what a server-side apply leaves behind",
    ("", "secrets", "update"): "puts back what a server-side apply leaves behind",
    ("apps", "deployments", "update"): "puts back what a server-side apply leaves behind",
    (
        "policy",
        "poddisruptionbudgets",
        "update",
    ): "puts back what a server-side apply leaves behind",
    ("networking.k8s.io", "networkpolicies", "update"): (
        "puts back what a server-side apply leaves behind"
    ),
    **{
        (group, resource, "get"): "looks whose an object is that has a child's name"
        for group, resource in (
            ("", "services"),
            ("", "serviceaccounts"),
            ("", "resourcequotas"),
            ("apps", "deployments"),
            ("policy", "poddisruptionbudgets"),
            ("networking.k8s.io", "networkpolicies"),
        )
    },
    ("", "events", "patch"): "counts an Event that repeats",
    ("apps", "controllerrevisions", "delete"): "a Stage's fifty-first revision takes the first's",
    **{
        ("", "configmaps", verb): "carries over the ledger that earlier versions kept"
        for verb in ("get", "delete")
    },
}


@dataclass(frozen=True)
class Story:
    """What the operator asked for in a story from the first Project to the end of the last."""

    records: tuple[Record, ...]

    @property
    def used(self) -> set[Right]:
        return {right for record in self.records if (right := right_of(record)) is not None}


def right_of(record: Record) -> Right | None:
    """The right that a request needs, as the API server's authorizer sees it."""
    request = record.request
    parts = request.path.strip("/").split("/")
    if parts[0] not in ("api", "apis") or len(parts) < 3:
        return None
    group = "" if parts[0] == "api" else parts[1]
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if rest and rest[0] == "namespaces" and len(rest) > 2:
        rest = rest[2:]
    if not rest:
        return None
    resource, name, subresource = (*rest, "", "")[:3]
    if request.method == "GET":
        verb = "get" if name else ("watch" if request.is_watch else "list")
    else:
        # A server-side apply of an object that isn't there needs both.
        verb = _VERBS[request.method]
    return group, f"{resource}/{subresource}" if subresource else resource, verb


@pytest.fixture(scope="module")
def story(sandbox: Sandbox) -> Iterator[Story]:
    """A whole story, told once, to an operator that finds nothing of an earlier one."""
    sandbox.kubectl("delete", "lease", "--all", "--namespace", "setops-system")
    with (
        Proxy(sandbox.server, sandbox.authority) as proxy,
        sandbox.operator(api_proxy=proxy.url) as operator,
    ):
        world = World(sandbox, operator)
        _tell(world)
        operator.stop()
        yield Story(tuple(proxy.records))


def _tell(world: World) -> None:
    world.apply(organization("rights"))
    world.wait("sorg", "rights")
    world.delete("sorg", "rights")
    world.gone("sorg", "rights")
    namespace = world.stage("rights")
    world.patch("sstage", "production", "rights", {"spec": {"quota": {"containers": 20}}})
    world.until(lambda: bool(world.list("resourcequotas", namespace)), "the quota")
    for commands in (
        (
            "app:create web",
            f"--app web release:create {IMAGE}",
            "--app web release:activate 1",
            "--app web resource:set scale 2",
            "--app web network:set public true",
            "app:create worker",
            "service:create store --type s3",
            "--app web link:create store --env-key STORE_URL",
            "notification:create ops --type email --target ops@example.com",
        ),
        (
            "--service store option:set blockPublicAccess false",
            "notification:destroy ops",
            "notification:create ops --type webhook --target https://example.com/hook",
        ),
        (
            "--app web resource:set scale 1",
            "--app web network:set public false",
            "--app web link:destroy store",
            "service:destroy store",
            "notification:destroy ops",
            "app:destroy worker",
        ),
    ):
        ended = world.commit(namespace, *commands)
        assert ended["status"]["phase"] == "Committed", ended["status"]
    world.patch("sstage", "production", "rights", {"spec": {"quota": None}})
    world.until(lambda: not world.list("resourcequotas", namespace), "no quota")
    world.apply(manifest("App", "bare", {"image": IMAGE}, namespace))
    world.wait("sapp", "bare", namespace)
    world.patch("sapp", "bare", namespace, {"spec": {"image": None}})
    world.until(lambda: world.get("deployment", "bare", namespace) is None, "no Deployment")
    world.delete("project.setops.co", "rights")
    world.gone("project.setops.co", "rights")


@pytest.fixture(scope="module")
def granted(sandbox: Sandbox, story: Story) -> set[Right]:
    """What the chart's roles allow, as helm installed them."""
    assert story.records
    documents = yaml.safe_load_all(
        sandbox.helm("get", "manifest", "setops", "--namespace", "setops-system").stdout
    )
    names = {"setops-leader", "setops-operator"}
    return {
        (group, resource, verb)
        for document in documents
        if document
        and document["kind"] in ("ClusterRole", "Role")
        and document["metadata"]["name"] in names
        for right in [rights(document["rules"])]
        for group, resource, verb in right
    }


def rights(rules: list[dict[str, Any]]) -> set[Right]:
    """Rules of a role, one by one."""
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_nothing_is_refused(story: Story) -> None:
    refused = [
        str(record)
        for record in story.records
        if record.status in (401, 403) and not is_late_event(record.request)
    ]
    assert refused == []


def is_late_event(request: Request) -> bool:
    """An Event about what was in a namespace that is going: the API server takes no more there.

    That the right to write Events is there, the other tests tell.
    """
    return request.method == "POST" and request.path.endswith("/events")


def test_everything_that_is_used_is_granted(story: Story, granted: set[Right]) -> None:
    assert story.used - granted == set()


def test_everything_that_is_granted_is_used(story: Story, granted: set[Right]) -> None:
    needless = granted - story.used - RECOVERY.keys()
    # A server-side apply that makes an object is authorized as `create`, too.
    applied = {
        (group, resource, "create") for group, resource, verb in story.used if verb == "patch"
    }
    assert needless - applied == set()


def test_recovery_is_granted(granted: set[Right]) -> None:
    assert RECOVERY.keys() <= granted, "named here and not granted"
