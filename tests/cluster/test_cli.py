"""The command line against the real control plane: the published session, staging, committing."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from setops.cli.changeset.draft import KEPT, UNFINISHED
from setops.cli.changeset.naming import changeset_name
from tests.cluster.terminal import (
    DEV,
    OPS,
    Terminal,
    administrator,
    developer,
    grant,
    new_project,
)
from tests.cluster.world import World, manifest


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("terminals")


@pytest.fixture(scope="module")
def admin(world: World, folder: Path) -> Terminal:
    return administrator(world, folder)


@pytest.fixture
def dev(world: World, admin: Terminal) -> Iterator[Terminal]:
    """A developer on a Stage of this test's own."""
    found = developer(world, admin)
    yield found
    world.delete("project.setops.co", found.project)


@pytest.fixture(scope="module")
def visitor(world: World, admin: Terminal) -> Terminal:
    """A developer on a Stage with App web, for tests that change nothing there."""
    found = developer(world, admin)
    found.does("app:create web")
    found.does("changeset:commit")
    return found


def test_the_published_session(world: World, admin: Terminal) -> None:
    for line in (
        "setops project:create myproject",
        "setops --project myproject stage:create production",
        "setops --project myproject --stage production app:create web",
        "setops --project myproject --stage production --app web container:set port 3000",
    ):
        admin.does(line)
    assert world.get("sapp", "web", "myproject-production") is None, "it is only staged"
    scope = "--project myproject --stage production"
    info = admin.does(f"{scope} changeset:info")
    assert "app:create web" in info
    assert "--app web container:set port 3000" in info
    assert "+ App web\n    network.port: 3000" in info
    assert admin.does(f"{scope} changeset:commit").endswith("Commit successful!\n")
    web = world.get("sapp", "web", "myproject-production")
    assert web is not None
    assert web["spec"]["network"]["port"] == 3000
    assert "nothing staged" in admin.fails(f"{scope} changeset:commit", 78)
    world.delete("project.setops.co", "myproject")
    world.gone("project.setops.co", "myproject")


def test_each_command_answers_with_what_is_staged_now(dev: Terminal) -> None:
    first = dev.does("app:create web")
    assert first.startswith("Staged: app:create web\n")
    assert "1 command:" in first
    second = dev.does("env:set A=1 --app web")
    assert "Staged: --app web env:set A=1" in second
    assert "   1  app:create web\n     2  --app web env:set A=1\n" in second


def test_an_error_is_told_at_its_command_and_stages_nothing(dev: Terminal) -> None:
    dev.does("app:create web")
    said = dev.fails("--app web resource:set memory 100")
    assert "it must be a multiple of 128" in said
    assert "ValidationError · ValidationFailed · multiple_of_invalid · commands[1]" in said
    assert "resource:set" not in dev.does("changeset:info")
    assert "did you mean 'web'?" in dev.fails("--app wbe resource:set scale 2")
    assert "wouldn't exist" in dev.fails("--app web link:create store --env-key STORE")


def test_another_terminal_sees_the_same_changeset(dev: Terminal) -> None:
    dev.does("app:create web")
    elsewhere = dev.elsewhere(DEV)
    assert "2 commands" in elsewhere.does("app:create worker")
    assert "app:create worker" in dev.does("changeset:info")


def test_two_terminals_at_once_lose_nothing(dev: Terminal) -> None:
    terminals = [dev, dev.elsewhere(DEV)]
    running = [
        terminals[number % 2].begins(f"app:create app{number}") for number in range(6)
    ]  # fmt: skip
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out + err
    info = json.loads(dev.does("changeset:info -o json"))
    assert sorted(info["spec"]["commands"]) == [f"app:create app{n}" for n in range(6)]


def test_two_users_have_a_changeset_each(dev: Terminal) -> None:
    dev.does("app:create web")
    ops = dev.elsewhere(OPS)
    ops.does("app:create worker")
    assert "web" not in ops.does("changeset:info")
    listed = dev.does("changeset")
    assert DEV in listed
    assert OPS in listed
    dev.does("changeset:commit")
    ops.does("changeset:commit")
    assert [
        line.split("|")[3].strip() for line in dev.does("changeset:list").splitlines()[3:-1]
    ] == [
        OPS,
        DEV,
    ]


def test_any_user_name_finds_its_own_changeset(world: World, dev: Terminal) -> None:
    odd = dev.elsewhere("ou=dev,cn=o.s@example.com")
    grant(world, odd.user, "edit", f"{dev.project}-production")
    grant(world, odd.user, "view", dev.project)
    dev.does("app:create web")
    odd.does("app:create worker")
    assert "2 commands" in odd.does("app:create other")
    assert "web" not in odd.does("changeset:info")


def test_a_name_that_somebody_else_has_taken_is_in_nobodys_way(world: World, dev: Terminal) -> None:
    namespace = f"{dev.project}-production"
    name = changeset_name(DEV, namespace, 0, set())
    spec = {"user": OPS, "commands": ["app:create web"]}
    world.sandbox.kubectl(
        "create", "-f", "-", input=json.dumps(manifest("Changeset", name, spec, namespace)),
        kubeconfig=dev.elsewhere(OPS).kubeconfig,
    )  # fmt: skip
    dev.does("app:create worker")
    assert "app:create worker" in dev.does("changeset:info")


def test_changesets_of_others_are_not_sent(world: World, dev: Terminal) -> None:
    dev.does("app:create web")
    dev.elsewhere(OPS).does("app:create worker")
    namespace = f"{dev.project}-production"
    world.until(lambda: len(world.list("scs", namespace)) == 2, "both Changesets")

    def selected() -> list[str]:
        where = (f"--namespace={namespace}", f"--field-selector=spec.user={DEV},{UNFINISHED}")
        return world.sandbox.kubectl("get", "scs", "-o", "name", *where).stdout.splitlines()

    assert len(selected()) == 1
    dev.does("changeset:discard")
    world.until(lambda: not selected(), "the end of the discarded one")


def test_a_second_changeset_of_the_same_content_is_carried_out_too(
    world: World, dev: Terminal
) -> None:
    namespace = f"{dev.project}-production"
    dev.does("app:create web")
    dev.does("changeset:commit")
    for scale in (2, 3, 2):
        dev.does(f"--app web resource:set scale {scale}")
        dev.does("changeset:commit")
        web = world.get("sapp", "web", namespace)
        assert web is not None
        assert web["spec"]["resources"]["scale"] == scale


def test_undo_drops_the_last_commands_and_then_the_changeset(dev: Terminal) -> None:
    for name in ("one", "two", "three"):
        dev.does(f"app:create {name}")
    assert "there are 3 staged commands, so 4" in dev.fails("changeset:undo 4")
    assert "N is 'x'; it must be a whole number" in dev.fails("changeset:undo x")
    said = dev.does("changeset:undo 2")
    assert "Dropped: app:create two\nDropped: app:create three\n" in said
    assert "Nothing is staged any more." in dev.does("changeset:undo")
    dev.fails("changeset:undo", 78)
    assert "1 command:" in dev.does("app:create four"), "a new one is begun"


def test_discard_throws_all_away(world: World, dev: Terminal) -> None:
    dev.does("app:create web")
    assert dev.does("changeset:discard") == "Discarded 1 command; nothing was changed.\n"
    dev.fails("changeset:discard", 78)
    dev.fails("changeset:info", 78)
    assert world.get("sapp", "web", f"{dev.project}-production") is None


UNPULLABLE = (
    "app:create web",
    "--app web release:create registry.example.com/web:does-not-exist",
    "--app web release:activate 1",
)


def test_old_changesets_of_a_user_go_and_those_of_others_stay(world: World, dev: Terminal) -> None:
    namespace = f"{dev.project}-production"
    dev.does("app:create web")
    name = dev.does("changeset -o name").strip()
    dev.does("changeset:discard")
    made = [
        manifest(
            "Changeset",
            f"{begin}{number}",
            {"user": DEV, "commands": ["app:create web"], "dryRun": True},
            namespace,
        )
        for begin in (name, "other")
        for number in range(KEPT + 3)
    ]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    world.sandbox.kubectl("create", "-f", "-", input=listed, kubeconfig=dev.kubeconfig)

    def counts(phase: str) -> dict[str, int]:
        found = [each["metadata"]["name"] for each in world.list("scs", namespace)
                 if (each.get("status") or {}).get("phase") == phase]  # fmt: skip
        return {begin: sum(each.startswith(begin) for each in found) for begin in (name, "other")}

    ended = {name: KEPT + 4, "other": KEPT + 3}
    world.until(lambda: counts("Discarded") == ended, "the end of all of them")
    dev.does("app:create web")
    world.until(lambda: counts("Discarded") == {**ended, name: KEPT}, "the end of the oldest")


def test_a_failing_commit_tells_every_error_and_what_was_put_back(
    world: World, dev: Terminal
) -> None:
    for line in UNPULLABLE:
        dev.does(line)
    said = dev.run("changeset:commit --timeout 3")
    assert said.code == 1
    assert "Applying… (0/1)" in said.out
    assert said.err.count("Error: ") == 1, "it went wrong once"
    assert "StateError · CommitFailed" in said.err
    assert "all was put back" in said.err
    assert "setops changeset:retry" in said.out
    assert "3 commands" in dev.does("changeset:retry")
    dev.does("changeset:undo 2")
    dev.does("changeset:commit")
    dev.fails("changeset:retry", 78)
    dev.does("app:destroy web")
    dev.does("changeset:commit")
    assert world.get("sapp", "web", f"{dev.project}-production") is None


def test_ctrl_c_leaves_the_commit_running_and_says_so(world: World, dev: Terminal) -> None:
    for line in UNPULLABLE:
        dev.does(line)
    process = dev.begins("changeset:commit")
    assert process.stdout is not None
    while "Applying" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert "The commit goes on without you" in out
    assert process.returncode == 1
    assert "Phase:       Applying (0/1)" in dev.does("changeset:info")
    assert "ChangesetLocked" in dev.fails("app:create other")
    assert "CommitAlreadyRunning" in dev.fails("changeset:commit")
    assert "all was put back" in dev.does("changeset:discard")
    assert world.get("sapp", "web", f"{dev.project}-production") is None


def test_commits_of_two_users_stand_in_line(dev: Terminal) -> None:
    for line in UNPULLABLE:
        dev.does(line)
    dev.does("changeset:commit --detach")
    ops = dev.elsewhere(OPS)
    ops.does("app:create worker")
    while "Applying" not in (shown := dev.does("changeset:info")):
        assert "Failed" not in shown
    said = ops.fails("changeset:commit --no-wait")
    assert f"of {DEV} has been committing since" in said
    assert "StateError · CommitAlreadyRunning" in said
    waiting = ops.begins("changeset:commit")
    assert waiting.stdout is not None
    while "comes first on this Stage" not in waiting.stdout.readline():
        assert waiting.poll() is None
    dev.does("changeset:discard")
    out, err = waiting.communicate(timeout=120)
    assert "Commit successful!" in out, err


def test_a_detached_commit_isnt_waited_for(dev: Terminal) -> None:
    dev.does("app:create web")
    assert "The commit has begun" in dev.does("changeset:commit --detach")


def test_history_diff_and_the_way_back(world: World, dev: Terminal) -> None:
    dev.does("app:create web")
    dev.does(["changeset:commit", "--message", "The web App"])
    dev.does("--app web resource:set scale 4")
    dev.does("changeset:commit")
    assert "The web App" in dev.does("changeset:list")
    log = dev.does("changeset:log")
    assert log.index("Revision 2") < log.index("resources.scale: 1 → 4") < log.index("Revision 1")
    assert "resources.scale: 1 → 4" in dev.does("changeset:diff 1 2")
    assert "Nothing to change" in dev.does("changeset:diff 2")
    assert "has no revision 9; it has 1 to 2" in dev.fails("changeset:diff 9")
    assert "nothing to do" in dev.does("changeset:revert 2")
    dev.does("changeset:revert 1")
    assert "what is staged is a definition, not commands" in dev.fails("changeset:undo")
    assert "Definition: of the whole Stage" in dev.does("changeset:info")
    assert dev.does("changeset:discard") == "Discarded a definition; nothing was changed.\n"
    assert "resources.scale: 4 → 1" in dev.does("changeset:revert 1")
    dev.does("changeset:commit")
    web = world.get("sapp", "web", f"{dev.project}-production")
    assert web is not None
    assert web["spec"]["resources"]["scale"] == 1
    assert "Back to revision 1" in dev.does("changeset:list")


def test_a_missing_scope_names_the_flag_and_what_exists(visitor: Terminal, admin: Terminal) -> None:
    project = visitor.project
    said = admin.fails("app:create web")
    assert "no project is named; write --project NAME (-p), set SETOPS_PROJECT" in said
    assert project in said
    assert "there are: production" in admin.fails(f"-p {project} app:create web")
    assert "write --app NAME (-a); there are: web" in visitor.fails("resource:set scale 2")
    assert "did you mean 'production'?" in admin.fails(f"-p {project} -s prodction changeset:info")
    assert "ProjectDoesNotExist" in admin.fails("-p nowhere -s production changeset:info")


def test_use_gives_a_directory_its_default(admin: Terminal, visitor: Terminal) -> None:
    project = visitor.project
    assert f"Project:   {project}" in admin.does(f"use -p {project} -s production")
    assert f"{project}/production" in admin.fails("changeset:info", 78)
    admin.does("use --unset")
    admin.fails("changeset:info")


def test_destroying_needs_force_and_says_what_goes(world: World, admin: Terminal) -> None:
    project = new_project()
    admin.does(f"project:create {project}")
    admin.does(f"-p {project} stage:create staging")
    admin.does(f"-p {project} -s staging app:create web")
    admin.does(f"-p {project} -s staging changeset:commit")
    assert "1 App (web). Nothing was done." in admin.fails(f"-p {project} stage:destroy staging")
    assert "1 Stage (staging). Nothing was done." in admin.fails(f"project:destroy {project}")
    assert "destroyed" in admin.does(f"-p {project} stage:destroy staging --force")
    assert world.get("sstage", "staging", project) is None
    assert "destroyed" in admin.does(f"project:destroy {project} --force")
    assert world.get("project.setops.co", project) is None


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("project:create My", "ValidationFailed", "3 to 20 lowercase letters and digits"),
        ("-p {} stage:create a-b", "StageNameInvalid", "3 to 12 lowercase letters"),
        ("-p {} stage:create production", "StageAlreadyExists", "exists already"),
        ("project:create {}", "ProjectAlreadyExists", "exists already"),
        ("project:create other --organization acm", "OrganizationDoesNotExist", "exist"),
        ("organization:switch acm", "OrganizationDoesNotExist", "did you mean 'acme'?"),
        ("-p {} stage:create test --log-retention x", "not_an_integer", "whole number"),
        ("--app web project:info", "not_included", "takes no --app"),
        ("version -o xml", "not_included", "table, json, yaml or name"),
        ("stage:create -p {}", "required", "stage:create needs NAME"),
        ("organization:switch a b", "too_long", "'b' is one value too many"),
        ("login --no-such", "not_included", "login has no flag '--no-such'"),
        ("--app web task:run -- ls", "CurrentlyNotSupported", "task:run is not supported"),
    ],
)
def test_bad_input_is_answered_in_the_platforms_words(
    admin: Terminal, visitor: Terminal, line: str, code: str, words: str
) -> None:
    project = visitor.project
    said = admin.on(project).fails(line.format(project))
    assert code in said
    assert words in said
    assert said.startswith("Error: ")


def test_who_you_are(admin: Terminal) -> None:
    assert re.search(r"^User: +boss@example.com$", admin.does("login:info"), re.MULTILINE)
    assert "API:        setops.co/v1alpha1" in admin.does("version")


def test_missing_rights_are_a_plain_sentence(visitor: Terminal) -> None:
    said = visitor.fails("project:create another")
    assert "you lack the rights for that" in said
    assert "AuthenticationError · InsufficientPrivileges" in said


def test_no_cluster_and_no_login_are_plain_sentences(visitor: Terminal, tmp_path: Path) -> None:
    config = tmp_path / "config"
    text = visitor.kubeconfig.read_text()
    port = text.split("https://127.0.0.1:")[1].split("\n")[0]
    config.write_text(text.replace(port, "1"))
    lost = Terminal(visitor.sandbox, DEV, config, tmp_path)
    assert "the cluster can't be reached" in lost.fails("login:info")
    config.write_text(text.split("users:")[0] + "users: []\ncontexts:" + text.split("contexts:")[1])
    said = lost.fails("-p a -s b app:create web")
    assert "AuthenticationError" in said
    config.unlink()
    assert "there is no kubeconfig" in lost.fails("login:info")
