"""The life of Changesets beside the straight path: open, merged, queued, cancelled, refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest

from tests.cluster.world import Object, World, manifest

IMAGE: Final = "registry.example.com/web:1"
UNKNOWN: Final = "registry.example.com/does-not-exist:1"
ANN: Final = "ann@example.com"
BOB: Final = "bob@example.com"


@pytest.fixture
def stage(world: World) -> Iterator[str]:
    """The namespace of a Stage with an App `web` of scale 1 that runs nothing."""
    namespace = world.stage()
    world.commit(namespace, "app:create web", name="begin")
    yield namespace
    world.delete("project.setops.co", namespace.removesuffix("-production"))


def begin(world: World, namespace: str, name: str, *commands: str, **spec: Any) -> Object:
    """An open Changeset with its plan."""
    content = {"commands": list(commands), **spec}
    world.apply(manifest("Changeset", name, content, namespace))
    return planned(world, namespace, name)


def planned(world: World, namespace: str, name: str) -> Object:
    """A Changeset, once its status is of its newest generation; with name and status."""

    def is_planned() -> bool:
        return bool(world.conditions("scs", name, namespace))

    world.until(is_planned, f"the plan of {name}")
    return status_of(world, namespace, name)


def status_of(world: World, namespace: str, name: str) -> Object:
    found = world.get("scs", name, namespace)
    assert found is not None
    return dict(found.get("status") or {})


def commit(world: World, namespace: str, name: str) -> Object:
    """Commit an open Changeset; its status at the end."""
    world.patch("scs", name, namespace, {"spec": {"commit": True}})
    return ended(world, namespace, name)


def ended(world: World, namespace: str, name: str) -> Object:
    finished = ("Committed", "Failed", "Discarded")
    world.until(lambda: world.phase(namespace, name) in finished, f"the end of {name}")
    return status_of(world, namespace, name)


def message(status: Object, type_: str = "Ready") -> str:
    return next(str(c["message"]) for c in status["conditions"] if c["type"] == type_)


def reason(status: Object) -> str:
    return next(str(c["reason"]) for c in status["conditions"] if c["type"] == "Ready")


def holds(status: Object) -> set[str]:
    """The types of the conditions that are True."""
    return {c["type"] for c in status["conditions"] if c["status"] == "True"}


def spec(world: World, namespace: str, app: str = "web") -> Object:
    found = world.get("sapp", app, namespace)
    assert found is not None
    return dict(found["spec"])


def rows(status: Object) -> Sequence[tuple[str, str, str]]:
    return [(c["action"], c["kind"], c["name"]) for c in status["plan"]["changes"]]


def test_open_changeset_shows_its_plan_and_changes_nothing(world: World, stage: str) -> None:
    status = begin(
        world, stage, "open", "--app web resource:set scale 3", "app:create worker", user=ANN
    )
    assert status["phase"] == "Open"
    assert status["baseRevision"] == 1
    assert status["plan"]["summary"] == "1 to create, 1 to change, 0 to destroy"
    assert rows(status) == [("update", "App", "web"), ("create", "App", "worker")]
    assert status["plan"]["changes"][0]["fields"] == [
        {"path": "resources.scale", "from": "1", "to": "3"}
    ]
    assert spec(world, stage)["resources"]["scale"] == 1
    assert world.get("sapp", "worker", stage) is None


def test_plan_follows_the_commands_and_the_stage(world: World, stage: str) -> None:
    begin(world, stage, "open", "--app web resource:set scale 3")
    commands = ["--app web resource:set scale 4", "app:create Worker", "nonsense"]
    world.patch("scs", "open", stage, {"spec": {"commands": commands}})
    world.until(lambda: "errors" in planned(world, stage, "open"), "the errors")
    status = planned(world, stage, "open")
    assert reason(status) == "ChangesetInvalid"
    assert holds(status) == {"Stalled"}
    assert [(e["command"], e["code"]) for e in status["errors"]] == [
        (1, "AppNameInvalid"),
        (2, "ValidationFailed"),
    ]
    commands[1:] = ["app:destroy worker"]
    world.patch("scs", "open", stage, {"spec": {"commands": commands}})
    world.until(
        lambda: "commands[1]" in message(planned(world, stage, "open")), "an App that isn't there"
    )


def test_disjoint_changes_of_two_users_merge(world: World, stage: str) -> None:
    begin(world, stage, "ann", "--app web resource:set scale 3", user=ANN)
    begin(world, stage, "bob", "--app web env:set A=1", "app:create worker", user=BOB)
    first = commit(world, stage, "ann")
    assert (first["phase"], first["revision"]) == ("Committed", 2)
    world.until(
        lambda: rows(status_of(world, stage, "bob"))[-1:] == [("create", "App", "worker")],
        "a plan over what Ann has committed",
    )
    second = commit(world, stage, "bob")
    assert (second["phase"], second["revision"]) == ("Committed", 3)
    assert second["baseRevision"] == 1
    assert second["previousRevision"] == 2
    merged = spec(world, stage)
    assert merged["resources"]["scale"] == 3
    assert merged["env"] == {"A": {"value": "1"}}


def test_overlapping_changes_name_the_field_and_both_users(world: World, stage: str) -> None:
    begin(world, stage, "ann", "--app web resource:set scale 3", user=ANN)
    begin(world, stage, "bob", "--app web env:set A=1", "--app web resource:set scale 2", user=BOB)
    assert commit(world, stage, "ann")["phase"] == "Committed"
    world.until(lambda: "errors" in status_of(world, stage, "bob"), "the conflict, while open")
    status = commit(world, stage, "bob")
    assert status["phase"] == "Failed"
    assert holds(status) == {"Stalled", "Failed"}
    assert [(e["field"], e["command"]) for e in status["errors"]] == [
        ("apps.web.resources.scale", 1)
    ]
    assert status["errors"][0]["message"] == (
        "resources.scale of App 'web' was changed from 1 to 3 by ann@example.com (Changeset 'ann') "
        "in revision 2 after this Changeset of bob@example.com was begun, which sets it to 2; "
        "discard this Changeset and create a new one from the current state"
    )
    assert "env" not in spec(world, stage), "nothing of it was done"
    world.lock_is_freed(stage)


def test_direct_edit_is_a_revision_of_its_own(world: World, stage: str) -> None:
    begin(world, stage, "open", "--app web resource:set scale 3", user=ANN)
    world.apply(manifest("App", "direct", {}, stage))
    world.sandbox.kubectl("scale", "sapp/web", "--replicas=2", "-n", stage)
    project = stage.removesuffix("-production")

    def recorded() -> bool:
        found = world.get("sstage", "production", project)
        return bool(found) and (found or {})["status"]["revision"] == 2

    world.until(recorded, "the revision of the edits")
    revision = world.get("controllerrevision", "production-2", stage)
    assert revision is not None
    assert revision["data"]["definition"]["apps"]["web"]["resources"]["scale"] == 2
    assert "direct" in revision["data"]["definition"]["apps"]
    assert revision["data"]["manager"] in ("kubectl", "kubectl-client-side-apply")
    status = commit(world, stage, "open")
    assert status["phase"] == "Failed"
    assert "changed from 1 to 2 by field manager kubectl" in status["errors"][0]["message"]


def test_changeset_begun_right_after_a_direct_edit_counts_it_as_earlier(
    world: World, stage: str
) -> None:
    world.patch("sapp", "web", stage, {"spec": {"resources": {"scale": 2}}})
    status = begin(world, stage, "mine", "app:create worker")
    assert status["baseRevision"] == 2, "the edit is recorded first"
    commands = ["app:create worker", "--app web resource:set scale 3"]
    world.patch("scs", "mine", stage, {"spec": {"commands": commands}})
    world.until(lambda: len(rows(planned(world, stage, "mine"))) == 2, "the second command's plan")
    assert "errors" not in planned(world, stage, "mine")
    assert commit(world, stage, "mine")["phase"] == "Committed"


def test_direct_edit_during_a_commit_stays_unless_it_is_the_same_field(
    world: World, stage: str
) -> None:
    commands = [f"--app web release:create {UNKNOWN}", "--app web release:activate 1"]
    world.apply(manifest("Changeset", "slow", {"commands": commands, "commit": True}, stage))
    world.until(lambda: spec(world, stage).get("activeRelease") == 1, "the write")
    world.patch("sapp", "web", stage, {"spec": {"env": {"HOT": {"value": "1"}}}})
    mended = {"spec": {"releases": {"1": {"image": IMAGE}}}}
    world.patch("sapp", "web", stage, {"spec": {"resources": {"scale": 2}}})
    assert world.phase(stage, "slow") == "Applying"
    world.patch("sapp", "web", stage, mended)
    status = ended(world, stage, "slow")
    assert status["phase"] == "Failed", "it wanted another image in that release"
    assert "releases.1.image of App 'web' was changed by somebody else" in message(status)
    after = spec(world, stage)
    assert after["env"] == {"HOT": {"value": "1"}}, "what others did stays"
    assert after["resources"]["scale"] == 2
    assert "activeRelease" not in after, "what the commit did is put back"


def test_second_open_changeset_of_a_user_waits(world: World, stage: str) -> None:
    begin(world, stage, "first", "--app web resource:set scale 3", user=ANN)
    status = begin(world, stage, "second", "--app web resource:set scale 4", user=ANN)
    assert (status["phase"], reason(status)) == ("Open", "ChangesetLocked")
    assert "'first' of ann@example.com" in message(status)
    world.patch("scs", "second", stage, {"spec": {"commit": True}})
    assert reason(planned(world, stage, "second")) == "ChangesetLocked"
    at_once = world.commit(stage, "app:create worker", name="third", user=ANN)
    assert at_once["status"]["phase"] == "Committed", "created with commit, it never was open"
    other = begin(world, stage, "bob", "--app web env:set A=1", user=BOB)
    assert reason(other) == "Open"
    world.patch("scs", "first", stage, {"spec": {"discard": True}})
    assert ended(world, stage, "first")["phase"] == "Discarded"
    assert ended(world, stage, "second")["phase"] == "Committed", "its commit was asked for"
    assert spec(world, stage)["resources"]["scale"] == 4


def test_dry_run_plans_and_ends(world: World, stage: str) -> None:
    status = begin(world, stage, "try", "app:create worker", dryRun=True, commit=True)
    world.until(lambda: world.phase(stage, "try") == "Discarded", "the end of the dry run")
    status = status_of(world, stage, "try")
    assert holds(status) == {"Ready", "Complete"}
    assert rows(status) == [("create", "App", "worker")]
    assert world.get("sapp", "worker", stage) is None


def test_refusal_of_a_child_object_changes_nothing(world: World, stage: str) -> None:
    """What the schema of Apps takes and that of Deployments doesn't shows in the dry run."""
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": f"no-{stage}"},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": ["apps"],
                        "apiVersions": ["*"],
                        "resources": ["deployments"],
                        "operations": ["CREATE", "UPDATE"],
                    }
                ],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stage}},
            },
            "validations": [{"expression": "false", "message": "no Deployments on Tuesdays"}],
        },
    }
    binding = {
        "apiVersion": policy["apiVersion"],
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": f"no-{stage}"},
        "spec": {"policyName": f"no-{stage}", "validationActions": ["Deny"]},
    }
    world.apply(policy, binding)
    probe = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "probe", "namespace": stage},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "a", "image": "a"}]},
            },
        },
    }

    def enforced() -> bool:
        tried = world.sandbox.kubectl(
            "create", "--dry-run=server", "-f", "-", input=json.dumps(probe), check=False
        )
        return "on Tuesdays" in tried.stderr

    world.until(enforced, "the policy")
    done = world.commit(
        stage,
        "app:create other",
        f"--app web release:create {IMAGE}",
        "--app web release:activate 1",
    )["status"]
    world.sandbox.kubectl("delete", "validatingadmissionpolicybinding", f"no-{stage}")
    world.sandbox.kubectl("delete", "validatingadmissionpolicy", f"no-{stage}")
    assert done["phase"] == "Failed"
    assert "App 'web'" in message(done)
    assert "no Deployments on Tuesdays" in message(done)
    found = world.get("sapp", "other", stage)
    assert found is None
    assert "activeRelease" not in spec(world, stage)
    assert spec(world, stage).get("releases") is None, "nothing was written and put back"


def test_cancel_puts_everything_back(world: World, stage: str) -> None:
    commands = [
        f"--app web release:create {UNKNOWN}",
        "--app web release:activate 1",
        "app:create worker",
    ]
    world.apply(manifest("Changeset", "slow", {"commands": commands, "commit": True}, stage))
    world.until(
        lambda: status_of(world, stage, "slow").get("progress", {}).get("done") == 1,
        "the commit to wait for one of two Apps",
    )
    status = status_of(world, stage, "slow")
    assert status["progress"]["total"] == 2
    assert "App 'web'" in status["progress"]["waitingFor"]
    wanted = {"changeset": "slow", "waitingFor": "App 'web'"}
    world.until(
        lambda: wanted.items() <= world.held(stage).items(), f"the Stage to be held by {wanted}"
    )
    refused = world.refusal(
        manifest("Changeset", "slow", {"commands": ["app:create x"], "commit": True}, stage)
    )
    assert "ChangesetLocked" in refused
    world.patch("scs", "slow", stage, {"spec": {"discard": True}})
    status = ended(world, stage, "slow")
    assert status["phase"] == "Failed"
    assert message(status) == "cancelled; all was put back"
    assert "activeRelease" not in spec(world, stage)
    world.gone("sapp", "worker", stage)
    world.lock_is_freed(stage)


def test_deleting_a_running_changeset_waits_for_its_end(world: World, stage: str) -> None:
    commands = [f"--app web release:create {UNKNOWN}", "--app web release:activate 1"]
    world.apply(
        manifest("Changeset", "slow", {"commands": commands, "commit": True, "timeout": 4}, stage)
    )
    world.until(lambda: world.phase(stage, "slow") == "Applying", "the commit")
    world.delete("scs", "slow", namespace=stage)
    assert world.get("scs", "slow", stage) is not None, "its finalizer holds it"
    world.gone("scs", "slow", stage)
    assert "activeRelease" not in spec(world, stage), "it was put back before it went"
    world.lock_is_freed(stage)


def test_an_app_that_never_goes_away_is_not_waited_for_without_end(
    world: World, stage: str
) -> None:
    world.patch("sapp", "web", stage, {"metadata": {"finalizers": ["example.com/hold"]}})
    world.sandbox.kubectl("-n", stage, "delete", "apps.setops.co", "web", "--wait=false")
    commands = ("app:create web", "app:create other")
    status = world.commit(stage, *commands, name="again", timeout=3)["status"]
    assert status["phase"] == "Failed"
    assert "App 'web' could not be written in time" in message(status)
    assert "waits for the App 'web' that is being deleted" in message(status)
    world.gone("sapp", "other", stage)
    world.lock_is_freed(stage)
    world.patch("sapp", "web", stage, {"metadata": {"finalizers": []}})
    world.gone("sapp", "web", stage)
    assert world.commit(stage, *commands, name="freed")["status"]["phase"] == "Committed"


def test_deleting_an_open_or_ended_one_has_no_effect(world: World, stage: str) -> None:
    begin(world, stage, "open", "app:create worker")
    world.delete("scs", "open", "begin", namespace=stage)
    world.gone("scs", "open", stage)
    world.gone("scs", "begin", stage)
    assert world.get("sapp", "web", stage) is not None
    assert world.get("sapp", "worker", stage) is None


def test_the_same_changeset_again_is_not_carried_out_twice(world: World, stage: str) -> None:
    world.delete("sapp", "web", namespace=stage)
    world.gone("sapp", "web", stage)
    world.delete("scs", "begin", namespace=stage)
    world.gone("scs", "begin", stage)
    again = world.commit(stage, "app:create web", name="begin")["status"]
    assert (again["phase"], again["revision"]) == ("Committed", 1)
    assert "the same Changeset was committed before, as revision 1" in message(again)
    assert world.get("sapp", "web", stage) is None
    other = world.commit(stage, "app:create web", name="begin-again")["status"]
    assert other["phase"] == "Committed"
    assert world.get("sapp", "web", stage) is not None


def test_data_is_deleted_last_and_that_cannot_be_cancelled(world: World, stage: str) -> None:
    world.commit(stage, "service:create store --type s3", name="store")
    status = begin(
        world,
        stage,
        "end",
        "service:destroy store",
        f"--app web release:create {UNKNOWN}",
        "--app web release:activate 1",
        timeout=4,
    )
    assert rows(status)[-1] == ("destroy", "Service", "store")
    assert "data" in status["plan"]["changes"][-1]["effect"]
    status = commit(world, stage, "end")
    assert status["phase"] == "Failed"
    kept = world.wait("ssvc", "store", stage)
    assert "deletionTimestamp" not in kept["metadata"], "the App failed, so the data stays"
    done = world.commit(stage, "service:destroy store", name="end2")["status"]
    assert done["phase"] == "Committed"
    assert done["irrevocable"] is True
    world.gone("ssvc", "store", stage)


def test_fields_that_belong_to_git_are_left_to_git(world: World, stage: str) -> None:
    in_git = manifest("App", "site", {"image": IMAGE, "env": {"FROM": {"value": "git"}}}, stage)
    in_git["metadata"]["annotations"] = {
        "argocd.argoproj.io/tracking-id": f"shop:setops.co/App:{stage}/site"
    }
    world.sandbox.kubectl(
        "apply",
        "--server-side",
        "--field-manager=argocd-controller",
        "-f",
        "-",
        input=json.dumps(in_git),
    )
    world.wait("sapp", "site", stage)
    done = world.commit(
        stage, "--app site resource:set scale 2", "--app site env:set MORE=1", name="free"
    )["status"]
    assert done["phase"] == "Committed", "neither scale nor that variable stands in Git"
    status = world.commit(stage, "--app site env:set FROM=me", "app:destroy site", name="held")[
        "status"
    ]
    assert status["phase"] == "Failed"
    assert [(e["field"], e["command"]) for e in status["errors"]] == [("apps.site", 1)]
    assert "comes from Git (argocd.argoproj.io/tracking-id)" in status["errors"][0]["message"]
    status = world.commit(stage, "--app site env:set FROM=me", name="held2")["status"]
    assert [(e["field"], e["command"]) for e in status["errors"]] == [
        ("apps.site.env.FROM.value", 0)
    ]
    assert status["errors"][0]["message"] == (
        "env.FROM.value of App 'site' belongs to Git: argocd-controller would put it back; "
        "change it in Git, or remove it from Git"
    )


def test_a_shown_plan_follows_what_git_takes_over(world: World, stage: str) -> None:
    """Git takes over a field with the value that it has: no spec changes, but the plan does."""

    def sync(**spec: Any) -> None:
        applied = json.dumps(manifest("App", "taken", {"image": IMAGE, **spec}, stage))
        line = ("apply", "--server-side", "--force-conflicts", "--field-manager=argocd-controller")
        world.sandbox.kubectl(*line, "-f", "-", input=applied)

    sync()
    world.wait("sapp", "taken", stage)
    assert world.commit(stage, "--app taken env:set A=1", name="mine")["status"]["phase"] == (
        "Committed"
    )
    status = begin(world, stage, "wish", "--app taken env:set A=2")
    assert not status.get("errors")
    sync(env={"A": {"value": "1"}})
    world.until(
        lambda: bool(status_of(world, stage, "wish").get("errors")),
        "the plan to say that Git holds the field",
    )
    (error,) = status_of(world, stage, "wish")["errors"]
    assert "env.A.value of App 'taken' belongs to Git" in error["message"]


def test_definition_in_part_and_whole(world: World, stage: str) -> None:
    part = {"apps": {"web": {"resources": {"scale": 2}}, "worker": {"image": IMAGE}}}
    done = world.commit(stage, name="part", definition=part)["status"]
    assert done["phase"] == "Committed", done
    assert spec(world, stage)["resources"] == {"cpu": 128, "memory": 256, "scale": 2}
    whole = {"apps": {"worker": {"image": IMAGE}}}
    status = begin(world, stage, "whole", definition=whole, prune=True)
    assert rows(status) == [("destroy", "App", "web")]
    assert commit(world, stage, "whole")["phase"] == "Committed"
    world.gone("sapp", "web", stage)


def test_lost_statuses_are_made_anew(world: World, stage: str) -> None:
    """A restore from a backup brings objects back without their statuses."""
    world.commit(stage, "--app web resource:set scale 2", name="more")
    project = stage.removesuffix("-production")
    for kind, name, namespace in (
        ("scs", "begin", stage),
        ("scs", "more", stage),
        ("sapp", "web", stage),
        ("sstage", "production", project),
    ):
        world.sandbox.kubectl(
            "patch",
            kind,
            name,
            "-n",
            namespace,
            "--subresource=status",
            "--type=json",
            "--patch",
            json.dumps([{"op": "remove", "path": "/status"}]),
        )
    world.wait("sstage", "production", project)
    world.wait("sapp", "web", stage)
    for name, revision in (("begin", 1), ("more", 2)):
        status = ended(world, stage, name)
        assert (status["phase"], status["revision"]) == ("Committed", revision)
    found = world.get("sstage", "production", project)
    assert found is not None
    assert found["status"]["revision"] == 2
    world.lock_is_freed(stage)
    assert spec(world, stage)["resources"]["scale"] == 2


def large(size: int) -> Object:
    """A definition of about so many bytes, that creates an App without a release."""
    count = 900
    value = "x" * (size // count - 30)
    env = {f"KEY{number}": {"value": value} for number in range(count)}
    return {"apps": {"large": {"env": env}}}


def create(world: World, namespace: str, name: str, content: Object) -> str:
    """Create a Changeset that is to be committed, without `apply`, which would store it twice."""
    made = manifest("Changeset", name, {"commit": True, **content}, namespace)
    result = world.sandbox.kubectl("create", "-f", "-", input=json.dumps(made), check=False)
    return result.stderr


def test_commands_that_are_too_long_together_are_refused_at_once(world: World, stage: str) -> None:
    lines = [f"--app web env:set KEY{number}={'x' * 30_000}" for number in range(40)]
    assert (
        "the commands have more than 1000000 characters together; split them into several "
        "Changesets, or move large values into Secrets"
    ) in create(world, stage, "long", {"commands": lines})


def test_the_largest_changeset_that_fits_is_carried_out(world: World, stage: str) -> None:
    assert create(world, stage, "large", {"definition": large(1_350_000)}) == ""
    status = ended(world, stage, "large")
    assert status["phase"] == "Committed", message(status)
    fields = status["plan"]["changes"][0]["fields"]
    assert "more fields" in fields[-1]["path"], "the plan is cut, so that both fit in one object"
    assert len(spec(world, stage, "large")["env"]) == 900


@pytest.mark.parametrize("size", [1_480_000, 1_530_000, 1_560_000])
def test_what_does_not_fit_is_refused_plainly(world: World, stage: str, size: int) -> None:
    refused = create(world, stage, "huge", {"definition": large(size)})
    if refused:
        assert "too large" in refused or "larger than" in refused
        return
    status = ended(world, stage, "huge")
    assert status["phase"] == "Failed"
    assert "1468006" in message(status) or "1.5 MiB" in message(status)
    assert world.get("sapp", "large", stage) is None
    world.lock_is_freed(stage)
