"""What the chart's policies refuse: our labels on namespaces, our finalizers, ways to credentials.

No operator runs here, so that what the API server itself says shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from subprocess import CompletedProcess
from typing import Any, Final

import pytest
import yaml

from sandbox import Sandbox
from sandbox.operator_process import NAMESPACE as SYSTEM
from sandbox.operator_process import OperatorSettings, install
from sandbox.waiting import until
from setops.api.kinds import CHANGESET, NAMESPACE, ORGANIZATION, OURS, PROJECT, SERVICE, STAGE, Kind
from setops.desired.metadata import Owner, StageNames
from setops.desired.stage import (
    ALLOW_EGRESS,
    ALLOW_STAGE,
    DENY_ALL,
    INSTANCE_METADATA,
    StageObjects,
    stage_objects,
)
from tests.cluster.world import API, Object, changeset, manifest, organization

HOME: Final = "guarded"
SPACE: Final = "guarded-live"
OPERATOR: Final = f"system:serviceaccount:{SYSTEM}:setops"
MEMBER: Final = "member@example.com"
"""Holds Kubernetes' role admin in both namespaces, and may write namespaces."""
ADOPTER: Final = "backup@example.com"
"""As the member, and holds `adopt` in the whole cluster, as the account of a restore does."""
ABANDONER: Final = "janitor@example.com"
"""As the member, and holds `abandon`."""
NAMESAKE: Final = "system:serviceaccount:default:setops"
FINALIZER: Final = "setops.co/operator"
HELD: Final = {
    ORGANIZATION: organization("guarded"),
    PROJECT: manifest("Project", HOME, {"organization": "guarded"}),
    STAGE: manifest("Stage", "live", {}, HOME),
    SERVICE: manifest("Service", "data", {"type": "s3"}, SPACE),
    CHANGESET: changeset(SPACE, "running", "app:create web"),
}
"""An object of every kind that the operator holds by its finalizer."""


@dataclass(frozen=True)
class Guard:
    """kubectl in anybody's name."""

    sandbox: Sandbox

    def __call__(self, user: str, *line: str, input: str = "") -> CompletedProcess[str]:  # noqa: A002
        return self.sandbox.kubectl(*line, f"--as={user}", input=input, check=False)

    def writes(self, user: str, verb: Sequence[str], wanted: Object) -> CompletedProcess[str]:
        return self(user, *verb, "--filename=-", input=json.dumps(wanted))

    def patches(self, user: str, kind: Kind, wanted: Object, patch: Any) -> CompletedProcess[str]:
        style = "json" if isinstance(patch, list) else "merge"
        line = ("patch", *where(kind, wanted), f"--type={style}", "--patch", json.dumps(patch))
        return self(user, *line)


def where(kind: Kind, wanted: Object) -> tuple[str, ...]:
    """How kubectl is told of an object."""
    metadata = wanted["metadata"]
    place = ("-n", metadata["namespace"]) if "namespace" in metadata else ()
    return (f"{kind.plural}.{kind.group}", metadata["name"], *place)


def namespace(name: str, **labels: str) -> Object:
    ours = {f"setops.co/{label.replace('_', '-')}": value for label, value in labels.items()}
    metadata = {"name": name, "labels": ours}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def policy(*egress: Object, name: str = "mine", **spec: Any) -> Object:
    """A network policy of a Stage's member."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": list(egress), **spec},
    }


def role(name: str, *rules: Object) -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": list(rules),
    }


def binding(name: str, *users: str) -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"trust-{name}-{len(users)}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
            for user in users
        ],
    }


ROLES: Final = (
    role(
        "trust-writer",
        {
            "apiGroups": [""],
            "resources": ["namespaces", "namespaces/status", "namespaces/finalize"],
            "verbs": ["get", "create", "update", "patch", "delete"],
        },
        {
            "apiGroups": ["setops.co"],
            "resources": ["organizations", "projects"],
            "verbs": ["get", "create", "update", "patch", "delete"],
        },
    ),
    role(
        "trust-adopter",
        {"apiGroups": ["setops.co"], "resources": ["stages"], "verbs": ["adopt"]},
    ),
    role(
        "trust-abandoner",
        {
            "apiGroups": ["setops.co"],
            "resources": ["organizations", "projects", "stages", "services", "changesets"],
            "verbs": ["abandon"],
        },
    ),
    binding("trust-writer", MEMBER, ADOPTER, ABANDONER),
    binding("admin", MEMBER, ADOPTER, ABANDONER),
    binding("trust-adopter", ADOPTER),
    binding("trust-abandoner", ABANDONER),
)
"""All at once, for the whole cluster: what a policy refuses, no role may be to blame for."""


@pytest.fixture(scope="module")
def guard(sandbox: Sandbox) -> Iterator[Guard]:
    """Users with every right, and objects that the operator holds."""
    install(sandbox, OperatorSettings())
    guard = Guard(sandbox)
    sandbox.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(ROLES))
    for made in (namespace(HOME, project=HOME), namespace(SPACE, project=HOME, stage="live")):
        sandbox.kubectl("apply", "-f", "-", input=json.dumps(made))
    for made in HELD.values():
        metadata = {**made["metadata"], "finalizers": [FINALIZER, "example.com/other"]}
        sandbox.kubectl("create", "-f", "-", input=json.dumps({**made, "metadata": metadata}))
    # The API server takes policies and roles up after a moment.
    tried = ("create", "--dry-run=server")
    forged = namespace("forged", stage="x")
    until(lambda: "is written by the operator" in guard.writes(MEMBER, tried, forged).stderr, "1")
    until(lambda: not guard.writes(ADOPTER, tried, forged).returncode, "the role to adopt")
    until(lambda: "instance metadata" in guard.writes(MEMBER, tried, OPEN).stderr, "2")
    loose: Object = {"metadata": {"finalizers": None}}
    service = HELD[SERVICE]
    until(lambda: bool(guard.patches(MEMBER, SERVICE, service, loose).returncode), "3")
    yield guard
    for kind, made in HELD.items():
        sandbox.kubectl("delete", "--wait=false", "-f", "-", input=json.dumps(made))
        done = guard.patches(ABANDONER, kind, made, loose)
        assert done.returncode == 0, done.stderr
    sandbox.kubectl("delete", "namespace", HOME, SPACE, "handed", "plain", "--wait=false")
    sandbox.kubectl("delete", "-f", "-", input=yaml.safe_dump_all(ROLES))


OPEN: Final = policy({})

CREATE: Final = ("create",)
APPLY: Final = ("apply", "--server-side", "--force-conflicts")


@pytest.mark.parametrize("user", [MEMBER, ABANDONER, NAMESAKE])
@pytest.mark.parametrize(
    "label", ["project", "stage", "organization", "deletion_protection", "anything"]
)
def test_nobody_labels_a_new_namespace_as_ours(guard: Guard, user: str, label: str) -> None:
    done = guard.writes(user, (*CREATE, "--dry-run=server"), namespace("squat", **{label: "x"}))
    assert done.returncode != 0
    if user != NAMESAKE:
        assert f"label setops.co/{label.replace('_', '-')} of namespace squat" in done.stderr


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"setops.co/stage": "other"}, id="changed"),
        pytest.param({"setops.co/stage": None}, id="removed"),
        pytest.param({"setops.co/more": "x"}, id="added"),
        pytest.param({"setops.co/stage": ""}, id="emptied"),
    ],
)
@pytest.mark.parametrize("subresource", ["", "status"])
def test_nobody_changes_our_labels(guard: Guard, patch: Object, subresource: str) -> None:
    line = ["patch", "namespace", SPACE, "--type=merge", "--patch"]
    line.append(json.dumps({"metadata": {"labels": patch}}))
    if subresource:
        line.append(f"--subresource={subresource}")
    done = guard(MEMBER, *line)
    assert done.returncode != 0, done.stdout
    assert f"label {next(iter(patch))} of namespace {SPACE} is written by the oper" in done.stderr


def test_other_labels_and_annotations_of_namespaces_are_everybodys(guard: Guard) -> None:
    done = guard.writes(MEMBER, CREATE, namespace("plain"))
    assert done.returncode == 0, done.stderr
    for name in ("plain", SPACE):
        for verb in ("label", "annotate"):
            done = guard(MEMBER, verb, "namespace", name, "team=platform", "--overwrite")
            assert done.returncode == 0, done.stderr


def test_who_may_adopt_hands_a_namespace_over(guard: Guard) -> None:
    """As a restore from a backup does, which creates namespaces with the labels that they had."""
    made = namespace("handed", project=HOME, stage="handed")
    done = guard.writes(ADOPTER, CREATE, made)
    assert done.returncode == 0, done.stderr
    done = guard(ADOPTER, "label", "namespace", "handed", "setops.co/stage-")
    assert done.returncode == 0, done.stderr


WAYS: Final = {
    "all": {"metadata": {"finalizers": None}},
    "emptied": {"metadata": {"finalizers": []}},
    "ours": {"metadata": {"finalizers": ["example.com/other"]}},
    "renamed": {"metadata": {"finalizers": ["setops.co/operator2"]}},
    "by index": [{"op": "remove", "path": "/metadata/finalizers/0"}],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", HELD, ids=str)
def test_members_remove_no_finalizer_of_ours(guard: Guard, kind: Kind, way: str) -> None:
    done = guard.patches(MEMBER, kind, HELD[kind], WAYS[way])
    assert done.returncode != 0, done.stdout
    assert f"finalizer setops.co/operator of {kind.kind} " in done.stderr


@pytest.mark.parametrize("kind", HELD, ids=str)
def test_what_writes_manifests_keeps_the_finalizers(guard: Guard, kind: Kind) -> None:
    """Argo CD and Helm apply manifests that name no finalizers."""
    made = HELD[kind]
    for way in (("apply",), ("apply", "--server-side", "--force-conflicts")):
        done = guard.sandbox.kubectl(*way, "-f", "-", input=json.dumps(made), check=False)
        assert done.returncode == 0, done.stderr
    done = guard.patches(MEMBER, kind, made, {"metadata": {"labels": {"team": "platform"}}})
    assert done.returncode == 0, done.stderr
    assert FINALIZER in guard.sandbox.kubectl("get", *where(kind, made), "-oyaml").stdout


@pytest.mark.parametrize("kind", HELD, ids=str)
@pytest.mark.parametrize("user", [ABANDONER, OPERATOR])
def test_who_may_abandon_removes_finalizers(guard: Guard, kind: Kind, user: str) -> None:
    done = guard(
        user,
        *("patch", *where(kind, HELD[kind]), "--dry-run=server"),
        *("--type=merge", "--patch", json.dumps(WAYS["ours"])),
    )
    assert done.returncode == 0, done.stderr


def test_every_kind_is_looked_at_that_the_operator_holds() -> None:
    assert set(HELD) == {k for k in OURS if k.kind not in ("App", "Notification")}


def blocks(*pairs: tuple[str, tuple[str, ...]]) -> Object:
    return {
        "to": [
            {"ipBlock": {"cidr": cidr, **({"except": list(but)} if but else {})}}
            for cidr, but in pairs
        ]
    }


V4, V6 = INSTANCE_METADATA


@pytest.mark.parametrize(
    "egress",
    [
        pytest.param([{}], id="everywhere"),
        pytest.param([{"to": []}], id="everywhere, spelled out"),
        pytest.param([{"ports": [{"port": 80, "protocol": "TCP"}]}], id="a port everywhere"),
        pytest.param([blocks((V4, ()))], id="the address"),
        pytest.param([blocks((V6, ()))], id="the address of IPv6"),
        pytest.param([blocks(("169.254.169.254/16", ()))], id="with bits of a host"),
        pytest.param([blocks(("0.0.0.0/0", ()))], id="all of IPv4"),
        pytest.param([blocks(("::/0", ()))], id="all of IPv6"),
        pytest.param([blocks(("128.0.0.0/1", ()))], id="half of IPv4"),
        pytest.param([blocks(("169.254.0.0/16", ("169.254.1.0/24",)))], id="another exception"),
        pytest.param([blocks(("fd00::/8", ("fd00:ec2::/128",)))], id="a near miss"),
        pytest.param(
            [blocks(("10.0.0.0/8", ())), blocks(("0.0.0.0/0", (V4,)), ("169.254.169.0/24", ()))],
            id="in a later rule",
        ),
        pytest.param([blocks(("10.0.0.0/8", ())), {}], id="everywhere in a later rule"),
    ],
)
def test_no_policy_opens_the_metadata_service(guard: Guard, egress: list[Object]) -> None:
    for user in (MEMBER, ADOPTER):
        done = guard.writes(user, (*CREATE, "--dry-run=server"), policy(*egress))
        assert done.returncode != 0, done.stdout
        # Newer API servers refuse bits of a host by themselves.
        said = ("instance metadata service", "must not have bits set")
        assert any(words in done.stderr for words in said), done.stderr


@pytest.mark.parametrize(
    "egress",
    [
        pytest.param([], id="nowhere"),
        pytest.param([blocks(("10.0.0.0/8", ()))], id="elsewhere"),
        pytest.param([blocks(("0.0.0.0/0", (V4,)), ("::/0", (V6,)))], id="everywhere but there"),
        pytest.param([blocks(("0.0.0.0/0", ("169.254.0.0/16",)))], id="a wider exception"),
        pytest.param([blocks(("169.254.169.253/32", ()))], id="the resolver beside it"),
        pytest.param([{"to": [{"podSelector": {}}]}], id="pods"),
        pytest.param([{"to": [{"namespaceSelector": {}}]}], id="namespaces"),
    ],
)
def test_policies_lead_anywhere_else(guard: Guard, egress: list[Object]) -> None:
    done = guard.writes(MEMBER, (*CREATE, "--dry-run=server"), policy(*egress))
    assert done.returncode == 0, done.stderr


def test_a_policy_is_not_widened_later(guard: Guard) -> None:
    assert guard.writes(MEMBER, CREATE, policy(blocks(("10.0.0.0/8", ())))).returncode == 0
    for way in (APPLY, ("replace",)):
        done = guard.writes(MEMBER, way, OPEN)
        assert "instance metadata service" in done.stderr
    done = guard(MEMBER, "label", "networkpolicy", "mine", "-n", SPACE, "team=platform")
    assert done.returncode == 0, done.stderr


def test_policies_of_other_namespaces_are_no_business_of_ours(guard: Guard) -> None:
    elsewhere = {**OPEN, "metadata": {"name": "mine", "namespace": HOME}}
    done = guard.writes(MEMBER, (*CREATE, "--dry-run=server"), elsewhere)
    assert done.returncode == 0, done.stderr


def test_the_operators_own_policies_pass(guard: Guard) -> None:
    done = guard.writes(OPERATOR, (*APPLY, "--dry-run=server"), OPEN)
    assert done.returncode == 0, done.stderr


ISOLATING: Final = (DENY_ALL, ALLOW_STAGE, ALLOW_EGRESS)
LOOSENED: Final[dict[str, Any]] = {
    "for no pods": {"podSelector": {"matchLabels": {"no": "pod"}}},
    "for one direction": {"policyTypes": ["Ingress"], "egress": []},
    "for nothing": {"policyTypes": []},
    "wider": {"ingress": [{}]},
}


@pytest.fixture(scope="module")
def isolated(guard: Guard) -> Guard:
    """The operator's own policies stand in the Stage's namespace."""
    for name in ISOLATING:
        done = guard.writes(OPERATOR, CREATE, policy(name=name))
        assert done.returncode == 0, done.stderr
    first = ("delete", "networkpolicy", DENY_ALL, "-n", SPACE, "--dry-run=server")
    until(lambda: bool(guard(MEMBER, *first).returncode), "the policy to hold")
    return guard


@pytest.mark.parametrize("name", ISOLATING)
@pytest.mark.parametrize("change", LOOSENED.values(), ids=LOOSENED)
def test_nobody_loosens_what_isolates_a_stage(
    isolated: Guard, name: str, change: dict[str, Any]
) -> None:
    loose = policy(name=name, **change)
    for way in (APPLY, ("replace",)):
        done = isolated.writes(MEMBER, way, loose)
        assert "isolates the Stage" in done.stderr, (done.stdout, done.stderr)


@pytest.mark.parametrize("name", ISOLATING)
def test_nobody_deletes_what_isolates_a_stage(isolated: Guard, name: str) -> None:
    for line in (("delete", "networkpolicy", name), ("delete", "networkpolicy", "--all")):
        done = isolated(MEMBER, *line, "-n", SPACE, "--dry-run=server")
        assert "isolates the Stage" in done.stderr, (done.stdout, done.stderr)
    raw = f"/apis/networking.k8s.io/v1/namespaces/{SPACE}/networkpolicies"
    done = isolated(MEMBER, "delete", "--raw", raw)
    assert "isolates the Stage" in done.stderr, (done.stdout, done.stderr)
    for user in (OPERATOR, ADOPTER):
        done = isolated(user, "delete", "networkpolicy", name, "-n", SPACE, "--dry-run=server")
        assert done.returncode == 0, done.stderr


def test_what_isolates_a_stage_may_be_labelled(isolated: Guard) -> None:
    done = isolated(MEMBER, "label", "networkpolicy", DENY_ALL, "-n", SPACE, "team=platform")
    assert done.returncode == 0, done.stderr


def test_own_policies_beside_it_come_and_go(isolated: Guard) -> None:
    done = isolated.writes(MEMBER, CREATE, policy(name="passing"))
    assert done.returncode == 0, done.stderr
    done = isolated(MEMBER, "delete", "networkpolicy", "passing", "-n", SPACE)
    assert done.returncode == 0, done.stderr


def test_these_are_the_policies_that_isolate_a_stage() -> None:
    names = StageNames("p", "live", "p-live")
    owner = Owner(NAMESPACE, names.namespace, "uid")
    made = stage_objects(StageObjects(names, owner, None))
    assert {each["metadata"]["name"] for each in made} == set(ISOLATING)


def phase(guard: Guard, name: str, phase: str) -> None:
    patch = json.dumps({"status": {"phase": phase}})
    guard.sandbox.kubectl(
        "patch", "scs", name, "-n", SPACE, "--subresource=status", "--type=merge", "-p", patch
    )


PAUSED: Final = {"metadata": {"annotations": {"setops.co/paused": "true"}}}
RESUMED: Final = {"metadata": {"annotations": {"setops.co/paused": None}}}


@pytest.mark.parametrize("at", ["", "Open", "Queued", "Applying", "RollingBack"])
def test_nobody_else_pauses_or_resumes_a_commit(guard: Guard, at: str) -> None:
    name = f"of-{at.lower() or 'new'}"
    made = manifest("Changeset", name, {"user": ADOPTER, "commit": True}, SPACE)
    assert guard.writes(ADOPTER, CREATE, made).returncode == 0
    if at:
        phase(guard, name, at)
    for patch in (PAUSED, RESUMED):
        done = guard.patches(ADOPTER, CHANGESET, made, patch)
        assert done.returncode == 0, done.stderr
        done = guard.patches(MEMBER, CHANGESET, made, PAUSED if patch is RESUMED else RESUMED)
        assert done.returncode != 0
        assert "nobody else may pause or resume it" in done.stderr


@pytest.mark.parametrize("at", ["", "Open", "Committed", "Failed"])
def test_a_draft_and_what_has_ended_may_be_paused(guard: Guard, at: str) -> None:
    name = f"idle-{at.lower() or 'new'}"
    over = at in ("Committed", "Failed")
    made = manifest("Changeset", name, {"user": ADOPTER, "commit": over}, SPACE)
    assert guard.writes(ADOPTER, CREATE, made).returncode == 0
    if at:
        phase(guard, name, at)
    done = guard.patches(MEMBER, CHANGESET, made, PAUSED)
    assert done.returncode == 0, done.stderr


def test_these_are_objects_of_this_version() -> None:
    assert {made["apiVersion"] for made in HELD.values()} == {API}
