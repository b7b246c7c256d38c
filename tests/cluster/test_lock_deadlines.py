"""Nothing holds a Stage's lock for ever: it ends with a reason that names the object.

Each case has a Stage of its own, and a request that the API server refuses from then on, for ever.
All of them run at once. When each has ended, its Stage takes the next commit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest

from sandbox import Sandbox
from sandbox.proxy import Action, Fail, Proxy, Request
from tests.cluster.conftest import VALUES
from tests.cluster.world import ENDED, Object, World, changeset, manifest, organization

PROJECT: Final = "deadlines"
TIMEOUT: Final = 4
"""Seconds that a commit has here; a step that fails may be tried for as long."""
IMAGE: Final = "registry.example.com/web:1"
LATER: Final = "registry.example.com/does-not-exist:1"

BACK: Final = "all was put back"


@dataclass(frozen=True)
class Case:
    """A Stage, the requests that fail there, and how its Changeset ends.

    `method` and `target`, a pattern for path and query, say which requests fail with `status`;
    `body` is another, for that. `says` is what the Changeset's last message contains.
    """

    stage: str
    method: str
    target: str
    status: int
    says: tuple[str, ...]
    commands: tuple[str, ...] = ("--app web resource:set scale 2",)
    body: str = ""
    early: bool = False
    """Whether the requests fail from the beginning of the Stage on."""
    late: bool = False
    """Whether the rollback is made to look as if it had begun long ago."""
    paused: bool = False
    """Whether somebody pauses the Changeset while it is carried out."""

    @property
    def namespace(self) -> str:
        return f"{PROJECT}-{self.stage}"

    def hits(self, request: Request) -> bool:
        target = f"{request.path}?{request.query}"
        return (
            request.method == self.method
            and re.search(self.target.replace("NAMESPACE", self.namespace), target) is not None
            and re.search(self.body.encode(), request.body) is not None
        )


def revision(stage: str, status: int, **more: Any) -> Case:
    """A revision that the API server doesn't take: the commit's own, or the one before it."""
    early = bool(more.get("early"))
    target = f"/namespaces/NAMESPACE/controllerrevisions/{stage}-[0-9]+[?]"
    says = ("ControllerRevision", f"/{stage}-", "nothing was changed" if early else BACK)
    body = "" if early else "setops.co/changeset-uid"
    return Case(stage, "PATCH", target, status, says, ("app:create extra",), body=body, **more)


APP: Final = "/namespaces/NAMESPACE/apps/web[?].*fieldValidation=Strict"
CHILD: Final = "/namespaces/NAMESPACE/deployments/web[?].*fieldValidation=Strict"
CASES: Final = (
    revision("busyrev", 500),
    revision("invalidrev", 422),
    revision("badrev", 400),
    revision("largerev", 413),
    revision("guardedrev", 403),
    revision("shedrev", 429),
    revision("pausedrev", 500, paused=True),
    revision("firstbusy", 500, early=True),
    revision("firstbad", 400, early=True),
    Case("dryapp", "PUT", f"{APP}&dryRun=All$", 500, ("App", "/web", BACK)),
    Case("drychild", "PATCH", f"{CHILD}&dryRun=All", 503, ("Deployment", "/web", BACK)),
    Case("busyapp", "PUT", f"{APP}$", 503, ("App", "/web", BACK)),
    Case("keptdata", "DELETE", "/namespaces/NAMESPACE/services/store[?]", 500,
         ("Service", "/store", "begun to delete data"), ("service:destroy store",),
         body='"}}$'),
    Case("mutated", "NONE", "^$", 0, ("App 'web' is not as it was written", "put it back", BACK)),
    Case("noway", "PUT", f"{APP}$", 500, ("App 'web'", "not everything could be put back"),
         (f"--app web release:create {LATER}", "--app web release:activate 1"),
         body=f'"image":"{IMAGE}"', late=True),
)  # fmt: skip


NEVER_SCALED: Final = {
    "matchConstraints": {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": f"{PROJECT}-mutated"}},
        "resourceRules": [
            {
                "apiGroups": ["setops.co"],
                "apiVersions": ["*"],
                "operations": ["UPDATE"],
                "resources": ["apps"],
            }
        ],
    },
    "reinvocationPolicy": "Never",
    "failurePolicy": "Fail",
    "mutations": [
        {
            "patchType": "JSONPatch",
            "jsonPatch": {
                "expression": '[JSONPatch{op: "replace", path: "/spec/resources/scale", value: 1}]'
            },
        }
    ],
}
"""A policy that puts back what a commit writes, so that it never sees its own write."""


@dataclass
class Refusing:
    """A rule that fails what these cases say."""

    on: tuple[Case, ...] = ()

    def __call__(self, request: Request) -> Action | None:
        found = (Fail(case.status) for case in self.on if case.hits(request))
        return next(found, None)


@pytest.fixture(scope="module")
def refusing() -> Refusing:
    return Refusing(tuple(case for case in CASES if case.early))


@pytest.fixture(scope="module")
def world(sandbox: Sandbox, refusing: Refusing) -> Iterator[World]:
    """An operator behind a proxy, and a Stage for each case."""
    with (
        Proxy(sandbox.server, sandbox.authority, rule=refusing) as api,
        sandbox.operator(values=VALUES, api_proxy=api.url) as operator,
    ):
        made = World(sandbox, operator)
        made.apply(organization(), manifest("Project", PROJECT, {"organization": "acme"}))
        made.wait("project.setops.co", PROJECT)
        made.apply(*(manifest("Stage", case.stage, {}, PROJECT) for case in CASES))
        for case in CASES:
            made.until(
                lambda case=case: made.get("namespace", case.namespace) is not None,  # type: ignore[misc]
                f"the namespace of {case.stage}",
            )
        with_app = [case for case in CASES if case.early or "web" in str(case.commands)]
        with_data = [case for case in CASES if "store" in str(case.commands)]
        made.apply(
            *(manifest("App", "web", {"image": IMAGE}, case.namespace) for case in with_app),
            *(manifest("Service", "store", {"type": "s3"}, case.namespace) for case in with_data),
        )
        for case in with_app:
            made.wait("sapp", "web", case.namespace)
        for case in with_data:
            made.wait("ssvc", "store", case.namespace)
        with scale_put_back(made):
            yield made
        refusing.on = ()
        made.delete("project.setops.co", PROJECT)
        made.gone("project.setops.co", PROJECT)


@contextmanager
def scale_put_back(world: World) -> Iterator[None]:
    """The policy NEVER_SCALED, at work."""
    api, name = "admissionregistration.k8s.io/v1", "never-scaled"
    head: Object = {"apiVersion": api, "metadata": {"name": name}}
    policy = {**head, "kind": "MutatingAdmissionPolicy", "spec": NEVER_SCALED}
    binding = {**head, "kind": "MutatingAdmissionPolicyBinding", "spec": {"policyName": name}}
    world.apply(policy, binding)

    def works() -> bool:
        patch = json.dumps({"spec": {"resources": {"scale": 3}}})
        options = ("--type=merge", "--patch", patch, "--dry-run=server", "-o", "json")
        place = ("-n", f"{PROJECT}-mutated")
        said = world.sandbox.kubectl("patch", "sapp", "web", *place, *options).stdout
        return bool(json.loads(said)["spec"]["resources"]["scale"] == 1)

    world.until(works, "the policy")
    yield
    world.delete_all([policy, binding])


@pytest.fixture(scope="module")
def ended(world: World, refusing: Refusing) -> Mapping[str, Object]:
    """The Changeset of each case when it has ended, by its Stage."""
    refusing.on = CASES
    world.apply(
        *(changeset(case.namespace, "one", *case.commands, timeout=TIMEOUT) for case in CASES)
    )
    for case in CASES:
        if case.paused:
            world.until(lambda c=case: world.phase(c.namespace, "one") == "Applying", "a commit")  # type: ignore[misc]
            patch = {"metadata": {"annotations": {"setops.co/paused": "true"}}}
            world.patch("scs", "one", case.namespace, patch)
        if case.late:
            world.until(lambda c=case: world.phase(c.namespace, "one") == "RollingBack", "its end")  # type: ignore[misc]
            _make_late(world, case)
    for case in CASES:
        world.until(lambda c=case: world.phase(c.namespace, "one") in ENDED, f"{case.stage}'s end")  # type: ignore[misc]
    refusing.on = ()
    return {case.stage: world.get("scs", "one", case.namespace) or {} for case in CASES}


def _make_late(world: World, case: Case) -> None:
    place = ("-n", case.namespace, "--subresource=status", "--type=merge")
    patch = json.dumps({"status": {"stepSince": "2026-01-01T00:00:00Z"}})
    world.sandbox.kubectl("patch", "scs", "one", *place, "--patch", patch)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stage)
def test_it_fails_with_a_reason_and_frees_the_stage(
    world: World, ended: Mapping[str, Object], case: Case
) -> None:
    status = ended[case.stage]["status"]
    assert status["phase"] == "Failed"
    failed = next(item for item in status["conditions"] if item["type"] == "Failed")
    for part in case.says:
        assert part in failed["message"]
    world.lock_is_freed(case.namespace)


def test_the_stages_take_the_next_commit(world: World, ended: Mapping[str, Object]) -> None:
    assert len(ended) == len(CASES)
    world.apply(*(changeset(case.namespace, "two", "app:create next") for case in CASES))
    for case in CASES:
        world.until(lambda c=case: world.phase(c.namespace, "two") in ENDED, f"{case.stage}'s next")  # type: ignore[misc]
        assert world.phase(case.namespace, "two") == "Committed", case.stage
