"""Whose a Changeset is: the chart's policy on spec.user, against requests of real users.

No operator runs here, so a Changeset stays in the phase that a test gives it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Final

import pytest

from sandbox import Sandbox
from sandbox.launch import ADMINISTRATOR
from sandbox.operator_process import NAMESPACE as SYSTEM
from sandbox.operator_process import OperatorSettings, install
from sandbox.waiting import until
from tests.cluster.world import Object, manifest

NAMESPACE: Final = "changeset-users"
POLICY: Final = "setops-changeset-users"
DENIED: Final = f"ValidatingAdmissionPolicy '{POLICY}' with binding '{POLICY}' denied request: "

# No user of another module: whatever rights one of those has been given would count here, too.
OWNER: Final = "owner@signed.example.com"
OTHER: Final = "other@signed.example.com"
ROBOT: Final = "robot@signed.example.com"
"""Named among the chart's trustedAccounts."""
MASTER: Final = "root@signed.example.com"
"""Member of system:masters, to whom no RBAC applies."""

CREATING: Final = {
    "create": ("create",),
    "apply": ("apply",),
    "server-side apply": ("apply", "--server-side"),
}
EDITING: Final = {
    "patch": ("patch", "--type=merge"),
    "JSON patch": ("patch", "--type=json"),
    "apply": ("apply",),
    "server-side apply": ("apply", "--server-side", "--force-conflicts"),
    "replace": ("replace",),
}

creating = pytest.mark.parametrize("way", CREATING.values(), ids=CREATING)
editing = pytest.mark.parametrize("way", EDITING.values(), ids=EDITING)

_numbers = itertools.count(1)


@dataclass(frozen=True)
class People:
    """Users of the API server with kubectl, in one namespace."""

    sandbox: Sandbox
    kubeconfigs: Mapping[str, Path]

    def kubectl(self, user: str, *arguments: str, input: str = "") -> CompletedProcess[str]:  # noqa: A002
        """Run kubectl as a user, well or badly."""
        line = (*arguments, "--namespace", NAMESPACE)
        chosen = self.kubeconfigs[user]
        return self.sandbox.kubectl(*line, input=input, check=False, kubeconfig=chosen)

    def write(self, user: str, way: Sequence[str], wanted: Object) -> CompletedProcess[str]:
        """Write a Changeset in a user's name, in one of the ways above."""
        if way[0] == "patch":
            spec = wanted["spec"]
            replaced = [{"op": "replace", "path": "/spec", "value": spec}]
            patch = json.dumps(replaced if "--type=json" in way else {"spec": spec})
            return self.kubectl(user, *way, "scs", wanted["metadata"]["name"], "--patch", patch)
        return self.kubectl(user, *way, "--filename=-", input=json.dumps(wanted))

    def writes(self, user: str, way: Sequence[str], wanted: Object) -> None:
        """Write a Changeset, which must be accepted."""
        done = self.write(user, way, wanted)
        assert done.returncode == 0, done.stderr

    def refusal(self, user: str, way: Sequence[str], wanted: Object) -> str:
        """What the policy says when it refuses to write a Changeset."""
        return refusal(self.write(user, way, wanted))

    def owned(self, user: str | None = OWNER, **spec: Any) -> Object:
        """An open Changeset that exists; without a user it is the administrator's."""
        made = changeset(user, **spec)
        self.writes(user or ADMINISTRATOR, CREATING["server-side apply"], made)
        return made

    def read(self, name: str) -> Object:
        """A Changeset as it is."""
        found: Object = json.loads(self.kubectl(ADMINISTRATOR, "get", "scs", name, "-ojson").stdout)
        return found

    def enter(self, phase: str, changed: Object) -> None:
        """Put a Changeset in a phase, as the operator would."""
        patch = json.dumps({"status": {"phase": phase}})
        name = changed["metadata"]["name"]
        line = ("patch", "scs", name, "--subresource=status", "--type=merge", "--patch", patch)
        assert self.kubectl(ADMINISTRATOR, *line).returncode == 0


def refusal(done: CompletedProcess[str]) -> str:
    """The policy's words in what kubectl complains; nothing but a 403 of this policy will do."""
    assert done.returncode != 0, done.stdout
    assert "Error from server (Forbidden): " in done.stderr, done.stderr
    _, denied, message = done.stderr.partition(DENIED)
    assert denied, done.stderr
    return message.strip()


def changeset(user: str | None, name: str = "", **spec: Any) -> Object:
    """A manifest of a Changeset."""
    commands = ["app:create web"]
    signed = {} if user is None else {"user": user}
    name = name or f"change{next(_numbers)}"
    return manifest("Changeset", name, {**signed, "commands": commands, **spec}, NAMESPACE)


def changed(made: Object, **spec: Any) -> Object:
    """The manifest with other values in its spec."""
    return {**made, "spec": {**made["spec"], **spec}}


def called(made: Object) -> str:
    """How messages call a Changeset."""
    return f"Changeset {NAMESPACE}/{made['metadata']['name']}"


def belongs(made: Object, requester: str = OTHER) -> str:
    """What somebody is told who changes what is the owner's."""
    return (
        f"{called(made)} is of user '{OWNER}', and nobody else may change, commit or discard it; "
        f"to the API server you are '{requester}': make a Changeset of your own under another name"
    )


def forgery(made: Object, requester: str = OTHER) -> str:
    """What somebody is told who signs as the owner."""
    return (
        f"spec.user of {called(made)} is '{OWNER}', but to the API server you are '{requester}': "
        "set it to that"
    )


@pytest.fixture(scope="module")
def people(sandbox: Sandbox) -> Iterator[People]:
    """The users, once the chart's roles and its policy are in force for them."""
    install(sandbox, OperatorSettings({"trustedAccounts": [ADMINISTRATOR, ROBOT]}))
    sandbox.kubectl("create", "namespace", NAMESPACE)
    editors = (OWNER, OTHER, ROBOT)
    users = [f"--user={user}" for user in editors]
    sandbox.kubectl(
        "create", "rolebinding", "editors", "--clusterrole=edit", *users, "-n", NAMESPACE
    )
    them = People(
        sandbox,
        {
            ADMINISTRATOR: sandbox.kubeconfig,
            MASTER: sandbox.user_kubeconfig(MASTER, ["system:masters"]),
            **{user: sandbox.user_kubeconfig(user) for user in editors},
        },
    )
    tried = ("create", "--dry-run=server")
    for user in editors:
        question = ("auth", "can-i", "create", "changesets.setops.co")
        until(lambda: them.kubectl(user, *question).returncode == 0, f"rights of {user}")  # noqa: B023
    # The API server takes a new policy, or a new list in it, up after a moment.
    forged = changeset(OWNER)
    until(lambda: DENIED in them.write(OTHER, tried, forged).stderr, "the policy")
    until(lambda: them.write(ROBOT, tried, forged).returncode == 0, "the trusted accounts")
    yield them
    sandbox.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@creating
def test_one_makes_and_commits_a_changeset_in_the_own_name(
    people: People, way: tuple[str, ...]
) -> None:
    people.writes(OWNER, way, changeset(OWNER))
    people.writes(OWNER, way, changeset(OWNER, commit=True))


@creating
def test_nobody_makes_one_in_the_name_of_another(people: People, way: tuple[str, ...]) -> None:
    forged = changeset(OWNER)
    assert people.refusal(OTHER, way, forged) == forgery(forged)


@creating
def test_nobody_makes_one_in_no_name(people: People, way: tuple[str, ...]) -> None:
    unsigned = changeset(None)
    assert people.refusal(OTHER, way, unsigned) == (
        f"{called(unsigned)} has no spec.user: set it to '{OTHER}', who you are to the API server"
    )


def test_a_generated_name_is_named(people: People) -> None:
    unsigned = changeset(None)
    unsigned["metadata"] = {"generateName": "generated-", "namespace": NAMESPACE}
    said = people.refusal(OTHER, CREATING["create"], unsigned)
    assert said.startswith(f"Changeset {NAMESPACE}/generated-")
    assert " has no spec.user: " in said


@editing
@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"commit": True}, id="commit"),
        pytest.param({"discard": True}, id="discard"),
        pytest.param({"commands": ["app:create worker"]}, id="commands"),
    ],
)
def test_nobody_acts_on_the_changeset_of_another(
    people: People, way: tuple[str, ...], spec: dict[str, Any]
) -> None:
    made = people.owned()
    assert people.refusal(OTHER, way, changed(made, **spec)) == belongs(made)
    found = people.read(made["metadata"]["name"])
    assert made["spec"].items() <= found["spec"].items()
    assert found["metadata"]["generation"] == 1


def test_cluster_administrators_are_no_exception(people: People) -> None:
    made = people.owned()
    wanted = changed(made, commit=True)
    assert people.refusal(MASTER, EDITING["patch"], wanted) == belongs(made, MASTER)
    forged = changeset(OWNER)
    assert people.refusal(MASTER, CREATING["create"], forged) == forgery(forged, MASTER)
    people.writes(MASTER, CREATING["create"], changeset(MASTER, commit=True))


@editing
def test_nobody_takes_over_the_changeset_of_another(people: People, way: tuple[str, ...]) -> None:
    made = people.owned()
    assert people.refusal(OTHER, way, changed(made, user=OTHER)) == belongs(made)
    taken = changed(made, user=OTHER, commit=True)
    assert people.refusal(OTHER, way, taken) == belongs(made)


@editing
def test_the_owner_changes_and_commits_it(people: People, way: tuple[str, ...]) -> None:
    made = people.owned()
    longer = changed(made, commands=["app:create web", "app:create worker"])
    people.writes(OWNER, way, longer)
    people.writes(OWNER, way, changed(longer, commit=True))
    assert people.read(made["metadata"]["name"])["spec"]["commit"] is True


@editing
def test_the_owner_does_not_give_it_away(people: People, way: tuple[str, ...]) -> None:
    made = people.owned()
    for spec in ({"user": OTHER}, {"user": OTHER, "commit": True}):
        assert people.refusal(OWNER, way, changed(made, **spec)) == (
            f"spec.user of {called(made)} can't be changed: leave it '{OWNER}'; somebody else "
            "makes a Changeset of their own"
        )


def test_the_owner_does_not_take_the_name_off(people: People) -> None:
    made = people.owned()
    for way, wanted in (
        (EDITING["patch"], changed(made, user=None)),
        (EDITING["replace"], changeset(None, made["metadata"]["name"])),
        (EDITING["server-side apply"], changeset(None, made["metadata"]["name"])),
    ):
        said = people.refusal(OWNER, way, wanted)
        assert said.startswith(f"spec.user of {called(made)} can't be changed: "), way


def test_nobody_becomes_another_without_the_right_to(people: People) -> None:
    made = people.owned()
    for way, wanted in (
        ((*CREATING["create"], "--validate=false"), changeset(OWNER, commit=True)),
        (EDITING["patch"], changed(made, commit=True)),
    ):
        done = people.write(OTHER, (*way, f"--as={OWNER}"), wanted)
        assert done.returncode != 0, done.stdout
        assert f'User "{OTHER}" cannot impersonate' in done.stderr


@pytest.mark.parametrize("subresource", ["status", "scale"])
def test_no_subresource_leads_to_the_spec_of_another(people: People, subresource: str) -> None:
    made = people.owned()
    name = made["metadata"]["name"]
    patch = json.dumps({"spec": {"commit": True, "user": OTHER}})
    line = ("patch", "scs", name, f"--subresource={subresource}", "--type=merge", "-p", patch)
    for user in (OTHER, MASTER):
        people.kubectl(user, *line)
        assert made["spec"].items() <= people.read(name)["spec"].items()
        assert "commit" not in people.read(name)["spec"] or not people.read(name)["spec"]["commit"]


@pytest.mark.parametrize(
    "user", [f"{OWNER} ", OWNER.upper(), f"{OWNER}\u200b", "system:masters", f"{OWNER},{OTHER}", ""]
)
def test_no_name_that_looks_like_another_passes(people: People, user: str) -> None:
    for way in CREATING.values():
        done = people.write(OTHER, way, changeset(user))
        assert done.returncode != 0, done.stdout
        assert "spec.user" in done.stderr


def test_others_may_label_and_annotate(people: People) -> None:
    made = people.owned()
    name = made["metadata"]["name"]
    for verb in ("label", "annotate"):
        done = people.kubectl(OTHER, verb, "scs", name, "team=platform")
        assert done.returncode == 0, done.stderr
    labelled = {**made, "metadata": {**made["metadata"], "labels": {"reviewed": "yes"}}}
    people.writes(OTHER, EDITING["server-side apply"], labelled)
    people.writes(OTHER, EDITING["apply"], labelled)
    found = people.read(name)
    assert found["metadata"]["labels"] == {"team": "platform", "reviewed": "yes"}
    assert found["metadata"]["generation"] == 1


def test_the_largest_changeset_can_be_labelled_by_others(people: People) -> None:
    entries = {f"app{number}": {"env": {"A": {"value": "x" * 1500}}} for number in range(200)}
    made = people.owned(commands=["x" * 800] * 1000, definition={"apps": entries})
    done = people.kubectl(OTHER, "label", "scs", made["metadata"]["name"], "team=platform")
    assert done.returncode == 0, done.stderr


def test_deletion_is_left_to_the_roles(people: People) -> None:
    made = people.owned()
    done = people.kubectl(OTHER, "delete", "scs", made["metadata"]["name"])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("phase", ["Queued", "Applying", "RollingBack"])
def test_one_that_runs_is_discarded_by_its_owner_alone(people: People, phase: str) -> None:
    made = people.owned()
    people.enter(phase, made)
    edited = people.write(OWNER, EDITING["patch"], changed(made, message="late"))
    assert edited.returncode != 0
    assert "ChangesetLocked: the commit has begun, so nothing but discard can be" in edited.stderr
    discarded = changed(made, discard=True)
    assert people.refusal(OTHER, EDITING["patch"], discarded) == belongs(made)
    people.writes(OWNER, EDITING["server-side apply"], discarded)


@pytest.mark.parametrize("phase", ["Committed", "Failed", "Discarded"])
def test_one_that_has_ended_is_frozen_for_everybody(people: People, phase: str) -> None:
    made = people.owned()
    people.enter(phase, made)
    for user in (OWNER, ADMINISTRATOR):
        done = people.write(user, EDITING["replace"], changed(made, message="afterwards"))
        assert done.returncode != 0, user
        assert "the Changeset has ended and can't be edited" in done.stderr, user
    people.writes(OTHER, EDITING["apply"], made)


@creating
def test_a_trusted_account_acts_for_others(people: People, way: tuple[str, ...]) -> None:
    made = changeset(OWNER)
    people.writes(ROBOT, way, made)
    assert people.refusal(OTHER, EDITING["patch"], changed(made, commit=True)) == belongs(made)
    people.writes(OWNER, EDITING["patch"], changed(made, message="mine"))
    people.writes(ROBOT, EDITING["patch"], changed(made, commit=True))
    people.writes(ROBOT, EDITING["patch"], changed(made, user=OTHER))


@editing
def test_one_without_a_user_is_changed_by_trusted_accounts_alone(
    people: People, way: tuple[str, ...]
) -> None:
    made = people.owned(None)
    for spec in ({"commit": True}, {"user": OTHER}, {"user": OTHER, "commit": True}):
        assert people.refusal(OTHER, way, changed(made, **spec)) == (
            f"{called(made)} has no spec.user, so only a trusted account may change, commit or "
            f"discard it; to the API server you are '{OTHER}': make a Changeset of your own under "
            "another name"
        )
    people.writes(ROBOT, way, changed(made, commit=True))


def test_the_operator_is_trusted(people: People) -> None:
    made = people.owned()
    way = (*EDITING["patch"], f"--as=system:serviceaccount:{SYSTEM}:setops")
    people.writes(ADMINISTRATOR, way, changed(made, discard=True))
    # Trust is in the whole name: an account that is called so elsewhere has none.
    namesake = (*EDITING["patch"], "--as=system:serviceaccount:default:setops")
    namesake = (*namesake, "--as-group=system:masters")
    said = people.refusal(ADMINISTRATOR, namesake, changed(made, discard=False))
    assert said == belongs(made, "system:serviceaccount:default:setops")


@pytest.mark.parametrize("kind", ["Changeset", "App"])
def test_people_write_no_status(people: People, kind: str) -> None:
    wanted = {**manifest(kind, "any", {}, NAMESPACE), "status": {"observedGeneration": 1}}
    del wanted["spec"]
    line = ("apply", "--server-side", "--subresource=status", "--filename=-")
    done = people.kubectl(OWNER, *line, input=json.dumps(wanted))
    assert done.returncode != 0
    resource = f"{kind.lower()}s/status"
    assert f'User "{OWNER}" cannot patch resource "{resource}"' in done.stderr
