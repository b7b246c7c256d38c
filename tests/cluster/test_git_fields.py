"""What a client may say of itself decides nothing for others: field managers, marks of Git tools,
kubectl's annotation.

No operator runs here, so that what the API server itself says shows.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from sandbox import Sandbox
from sandbox.operator_process import OperatorSettings, install
from sandbox.waiting import until
from setops.api.kinds import APP, CHANGESET, NOTIFICATION, SERVICE, Kind
from tests.cluster.test_trust_policies import OPERATOR, Guard, binding, where
from tests.cluster.world import Object, changeset, manifest

SPACE: Final = "gitfields-live"
MEMBER: Final = "member@gitfields.example.com"
"""Holds Kubernetes' role admin."""
SYNCER: Final = "system:serviceaccount:flux-system:tenant"
"""As the member, with the chart's role for Git tools."""
TRUSTED: Final = "system:serviceaccount:ci:deployer"
ARGO: Final = "argocd-controller"
TRACKING: Final = "argocd.argoproj.io/tracking-id"
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
MANAGERS: Final = (ARGO, "kustomize-controller", "helm-controller", "setops")

APPLY: Final = ("apply", "--server-side", "--force-conflicts")

MADE: Final[Mapping[Kind, Object]] = {
    APP: manifest(
        "App", "web", {"image": "registry.example.com/web:1", "env": {"A": {"value": "1"}}}, SPACE
    ),
    SERVICE: manifest("Service", "web", {"type": "s3"}, SPACE),
    NOTIFICATION: manifest(
        "Notification", "web", {"type": "email", "target": "a@example.com"}, SPACE
    ),
}
"""What the Git tool has applied, of every kind that users edit directly."""
EDITS: Final[Mapping[Kind, Object]] = {
    APP: {"env": {"A": {"value": "2"}}},
    SERVICE: {"deletionPolicy": "Delete"},
    NOTIFICATION: {"target": "b@example.com"},
}
PARAMETERS: Final = pytest.mark.parametrize("kind", MADE, ids=str)


def named(kind: Kind, name: str, **metadata: Any) -> Object:
    made = MADE[kind]
    return {**made, "metadata": {**made["metadata"], "name": name, **metadata}}


@pytest.fixture(scope="module")
def guard(sandbox: Sandbox) -> Iterator[Guard]:
    """Three users with the same rights, one of whom may speak for Git, and one who is trusted."""
    install(sandbox, OperatorSettings(values={"trustedAccounts": [TRUSTED]}))
    roles = (
        binding("admin", MEMBER, SYNCER, TRUSTED),
        binding("setops-git-fields", SYNCER),
    )
    sandbox.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(roles))
    sandbox.kubectl("create", "namespace", SPACE)
    guard = Guard(sandbox)
    # The API server takes policies and roles up after a moment.
    tried = ("create", "--dry-run=server", f"--field-manager={ARGO}")
    until(lambda: "speaks for Git" in guard.writes(MEMBER, tried, MADE[APP]).stderr, "the policy")
    until(lambda: not guard.writes(SYNCER, tried, MADE[APP]).returncode, "the role")
    until(lambda: not guard.writes(TRUSTED, tried, MADE[APP]).returncode, "the binding")
    for kind, made in MADE.items():
        tracked = named(kind, "web", annotations={TRACKING: "apps:web"})
        written = guard.writes(SYNCER, (*APPLY, f"--field-manager={ARGO}"), tracked)
        assert written.returncode == 0, written.stderr
        # A Git tool that applies as kubectl without --server-side does.
        made = named(kind, "old")
        written = guard.writes(SYNCER, ("apply", f"--field-manager={ARGO}"), made)
        assert written.returncode == 0, written.stderr
    yield guard
    sandbox.kubectl("delete", "namespace", SPACE, "--wait=false")
    sandbox.kubectl("delete", "-f", "-", input=yaml.safe_dump_all(roles))


def live(guard: Guard, kind: Kind, name: str = "web") -> Object:
    line = ("get", *where(kind, named(kind, name)), "-ojson", "--show-managed-fields")
    found: Object = json.loads(guard.sandbox.kubectl(*line).stdout)
    return found


def path(kind: Kind, name: str = "") -> str:
    return f"/apis/setops.co/v1alpha1/namespaces/{SPACE}/{kind.plural}" + (name and f"/{name}")


def by_user_agent(guard: Guard, folder: Path, agent: str, *line: str, given: str) -> str:
    """kubectl as a program of another name, which says no field manager; what it complained.

    The API server then takes the name of the program.
    """
    program = folder / agent
    program.symlink_to(guard.sandbox.tools / "kubectl")
    done = subprocess.run(
        [program, *line, f"--as={MEMBER}"],
        env=guard.sandbox.environment,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("manager", MANAGERS)
@PARAMETERS
def test_nobody_takes_the_name_of_git_or_of_the_operator(
    guard: Guard, kind: Kind, manager: str, tmp_path: Path
) -> None:
    new = named(kind, "new")
    edit = json.dumps({"spec": EDITS[kind]})
    place = where(kind, MADE[kind])
    option = f"--field-manager={manager}"
    tried = {
        "create": guard.writes(MEMBER, ("create", option), new).stderr,
        "apply": guard.writes(MEMBER, ("apply", option), new).stderr,
        "server-side apply": guard.writes(MEMBER, (*APPLY, option), new).stderr,
        "server-side apply over": guard.writes(MEMBER, (*APPLY, option), MADE[kind]).stderr,
        "replace": guard.writes(MEMBER, ("replace", option), MADE[kind]).stderr,
        "patch": guard(MEMBER, "patch", *place, "--type=merge", "-p", edit, option).stderr,
        "label": guard(MEMBER, "label", *place, "a=b", option).stderr,
        "annotate": guard(MEMBER, "annotate", *place, "a=b", option).stderr,
        "user agent": by_user_agent(
            guard, tmp_path, manager, "create", "--raw", path(kind), "-f", "-",
            given=json.dumps(new),
        ),
    }  # fmt: skip
    if kind is APP:
        scale = guard(MEMBER, "patch", *place, "--subresource=scale", "--type=merge", option,
                      "-p", '{"spec": {"replicas": 5}}')  # fmt: skip
        tried["scale"] = scale.stderr
    said = f"field manager {manager} of {kind.kind} {SPACE}/"
    assert {way: err for way, err in tried.items() if said not in err and way != "scale"} == {}
    assert kind is not APP or f"field manager {manager} of Scale {SPACE}/web" in tried["scale"]
    assert live(guard, kind)["metadata"]["generation"] == 1


CLAIMS: Final[Mapping[str, Object]] = {
    "a field": {"f:spec": {"f:forged": {}}},
    "a field of a map": {"f:spec": {"f:env": {"f:B": {"f:value": {}}}}},
    "a field of an entry": {"f:spec": {"f:env": {"f:A": {"f:description": {}}}}},
    "deeper": {"f:spec": {"f:env": {"f:A": {"f:secretRef": {"f:name": {}}}}}},
    "metadata": {"f:metadata": {"f:labels": {"f:x": {}}}},
}


def _joined(one: Any, other: Any) -> Any:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return other
    return {**one, **{key: _joined(one.get(key), value) for key, value in other.items()}}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_request_gives_git_no_more_fields(guard: Guard, claim: str) -> None:
    found = live(guard, APP)
    for entry in found["metadata"]["managedFields"]:
        if entry["manager"] == ARGO:
            entry["fieldsV1"] = _joined(entry["fieldsV1"], CLAIMS[claim])
    line = ("replace", "--raw", path(APP, "web"), "-f", "-")
    done = guard(MEMBER, *line, input=json.dumps(found))
    assert f"field manager {ARGO} of App {SPACE}/web speaks for Git" in done.stderr


@pytest.mark.parametrize(
    "change",
    [
        {"manager": "setops"},
        {"operation": "Update"},
        {"time": "2020-01-01T00:00:00Z"},
        {"manager": "helm-controller", "fieldsV1": {"f:spec": {"f:image": {}}}},
    ],
    ids=str,
)
def test_a_request_makes_up_no_entry_of_git(guard: Guard, change: Object) -> None:
    found = live(guard, APP)
    managed = found["metadata"]["managedFields"]
    (entry,) = (each for each in managed if each["manager"] == ARGO)
    made_up = {**entry, **change}
    line = ("replace", "--raw", path(APP, "web"), "-f", "-")
    for forged in ([*managed, made_up], [made_up]):
        found["metadata"]["managedFields"] = forged
        done = guard(MEMBER, *line, input=json.dumps(found))
        assert done.returncode == 0 or 'verb "sync" on apps.setops.co' in done.stderr
        # The API server passes over a time alone, and over a second entry of the same manager.
        assert done.returncode != 0 or change.keys() == {"time"}
        left = live(guard, APP)["metadata"]["managedFields"]
        assert entry in left
        assert made_up not in left
    fresh = named(APP, f"fresh-{len(str(change))}", managedFields=[made_up])
    done = guard(MEMBER, "create", "--raw", path(APP), "-f", "-", input=json.dumps(fresh))
    if done.returncode == 0:
        managed = json.loads(done.stdout)["metadata"]["managedFields"]
        assert [each["manager"] for each in managed] == ["kubectl"]
    else:
        assert 'verb "sync" on apps.setops.co' in done.stderr


MARKS: Final = {
    TRACKING: "annotations",
    "argocd.argoproj.io/instance": "labels",
    "kustomize.toolkit.fluxcd.io/name": "labels",
    "helm.toolkit.fluxcd.io/name": "labels",
}


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("kind", [*MADE, CHANGESET], ids=str)
def test_nobody_says_that_a_thing_comes_from_git(guard: Guard, kind: Kind, mark: str) -> None:
    marked = {MARKS[mark]: {mark: "forged"}}
    if kind is CHANGESET:
        made = changeset(SPACE, "marked", "app:create api", user=MEMBER, commit=False)
        made["metadata"].update(marked)
    else:
        made = named(kind, "marked", **marked)
        place = where(kind, MADE[kind])
        patch = json.dumps({"metadata": marked})
        done = guard(MEMBER, "patch", *place, "--type=merge", "-p", patch)
        assert f"{mark} on {kind.kind} {SPACE}/web says that it comes from Git" in done.stderr
    for way in (("create",), APPLY):
        done = guard.writes(MEMBER, way, made)
        assert f"{mark} on {kind.kind} {SPACE}/marked says that it comes" in done.stderr


@PARAMETERS
def test_nobody_says_what_git_has_applied(guard: Guard, kind: Kind) -> None:
    edited = named(kind, "old")
    edited["spec"] = {**edited["spec"], **EDITS[kind]}
    done = guard.writes(MEMBER, ("apply",), edited)
    assert f"{kind.kind} {SPACE}/old is applied from Git by {ARGO}" in done.stderr
    place = where(kind, edited)
    for text in ("{}", None):
        patch = json.dumps({"metadata": {"annotations": {LAST_APPLIED: text}}})
        done = guard(MEMBER, "patch", *place, "--type=merge", "-p", patch)
        assert "change it in Git, or use kubectl edit" in done.stderr


@PARAMETERS
def test_everybody_edits_under_a_name_of_their_own(guard: Guard, kind: Kind) -> None:
    """Also what Git holds: Git puts it back, and the history names who did it."""
    made = named(kind, "shared")
    seed = guard.writes(SYNCER, (*APPLY, f"--field-manager={ARGO}"), made)
    assert seed.returncode == 0, seed.stderr
    place = where(kind, made)
    edit = json.dumps({"spec": EDITS[kind]})
    edited = {**made, "spec": {**made["spec"], **EDITS[kind]}}
    for way in (
        ("patch", *place, "--type=merge", "-p", edit),
        ("label", *place, "team=x"),
        ("annotate", *place, "team=x"),
        ("patch", *place, "--type=json", "-p", '[{"op": "add", "path": "/metadata/labels/b", '
         '"value": "c"}]'),
        ("patch", *place, "--type=merge", "-p", '{"metadata": {"managedFields": [{}]}}'),
    ):  # fmt: skip
        done = guard(MEMBER, *way)
        assert done.returncode == 0, done.stderr
    seed = guard.writes(SYNCER, (*APPLY, f"--field-manager={ARGO}"), made)
    assert seed.returncode == 0, seed.stderr
    done = guard.writes(MEMBER, (*APPLY, "--field-manager=me"), edited)
    assert done.returncode == 0, done.stderr
    assert guard.writes(MEMBER, ("replace",), made).returncode == 0
    for way in (("create",), ("apply",), (*APPLY, "--field-manager=helm")):
        done = guard.writes(MEMBER, way, named(kind, f"own-{len(way)}"))
        assert done.returncode == 0, done.stderr
    assert guard(MEMBER, "delete", *place).returncode == 0


def test_everybody_scales(guard: Guard) -> None:
    for option in ((), ("--field-manager=keda",)):
        patch = ("--subresource=scale", "--type=merge", "-p", '{"spec": {"replicas": 2}}')
        done = guard(MEMBER, "patch", *where(APP, MADE[APP]), *patch, *option)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("user", [SYNCER, TRUSTED, OPERATOR])
@PARAMETERS
def test_git_and_the_operator_write_under_their_names(guard: Guard, kind: Kind, user: str) -> None:
    made = named(kind, "theirs", annotations={TRACKING: "apps:web"})
    edited = {**MADE[kind], "spec": {**MADE[kind]["spec"], **EDITS[kind]}}
    line: tuple[str, ...]
    for manager in MANAGERS:
        if user == OPERATOR:
            line = ("replace", f"--field-manager={manager}", "--dry-run=server")
            done = guard.writes(user, line, edited)
        else:
            line = (*APPLY, f"--field-manager={manager}", "--dry-run=server")
            done = guard.writes(user, line, made)
        assert done.returncode == 0, done.stderr


def test_a_changeset_of_the_command_line_is_the_users(guard: Guard) -> None:
    """It writes Changesets under the field manager setops, as its user."""
    made = changeset(SPACE, "mine", "app:create api", user=MEMBER, commit=False)
    done = guard.writes(MEMBER, ("create", "--field-manager=setops"), made)
    assert done.returncode == 0, done.stderr


def test_the_policy_is_valid_without_any_git_tool(guard: Guard) -> None:
    only = ("--show-only", "templates/git-fields.yaml", "--set-json", "gitManagers=[]")
    rendered = guard.sandbox.helm("template", "nogit", str(OperatorSettings().chart), *only)
    done = guard.sandbox.kubectl(
        "apply", "--dry-run=server", "-f", "-", input=rendered.stdout, check=False
    )
    assert done.returncode == 0, done.stderr
