"""Every command of the table, by its own example, against the real control plane."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from setops.cli.base.declare import UNSUPPORTED, Own
from setops.cli.shell.table import declarations
from setops.language.command import Level
from tests.cluster.terminal import Terminal, administrator, new_project
from tests.cluster.world import World

FILE: Final = """
schema_version: 2
apps:
  web:
    releases: {1: {image: "r.example.com/web:1"}, 2: {image: "r.example.com/web:2"},
               3: {image: "r.example.com/web:3"}}
    active_release: 1
    container:
      command: [a]
      entrypoint: [b]
      health_check: {command: ["true"]}
    network: {public: true, ports: [80], health_check: {path: /up, status: "200"}}
    resources: {cpu: 1024, memory: 1024, scale: 9}
    env: {RAILS_ENV: test}
    custom_domains: [www.example.com]
services:
  store: {type: s3, options: {block_public_access: false}}
notifications:
  ops: {type: email, target: ops@example.com}
"""
BEFORE: Final = {
    "app:create": None,
    "service:create": None,
    "notification:create": None,
    "domain:create": ("--app web domain:destroy www.example.com",),
    "link:destroy": ("--app web link:create store --env-key STORE_URL",),
    "network:set protocol": (
        "--app web network:unset health-check-path",
        "--app web network:unset health-check-status",
    ),
}
"""What is staged before the example, so that it finds what it changes; None for an empty Stage."""

STAGED: Final = [key for key, each in declarations().items() if each.stages]
LATER: Final = {
    key: each
    for key, each in declarations().items()
    if isinstance(each, Own) and each.run == UNSUPPORTED
}
READ: Final = {
    key: each
    for key, each in declarations().items()
    if isinstance(each, Own) and each.reads and key != "changeset:info"
}


@pytest.fixture(scope="module")
def admin(world: World, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """On Stage `full` there is all that the examples change; Stage `empty` is empty."""
    found = administrator(world, tmp_path_factory.mktemp("terminals"))
    project = new_project()
    found.does(f"project:create {project}")
    for stage in ("full", "empty"):
        found.does(f"-p {project} stage:create {stage}")
    found = found.on(project, "full")
    (found.directory / "full.yaml").write_text(FILE)
    found.does("stage:apply -f full.yaml --auto-approve")
    return found


def test_every_example_of_the_language_is_staged(admin: Terminal) -> None:
    lines: list[str] = []
    for key in STAGED:
        each = declarations()[key]
        before = BEFORE.get(key, ())
        stage = "-s empty" if before is None else ""
        lines += before or ()
        lines += [f"{stage} {each.example}", f"{stage} changeset:discard"]
    said = admin.runs(lines)
    assert [(line, one.err) for line, one in zip(lines, said, strict=True) if one.code] == []
    assert sum(one.out.startswith("Staged: ") for one in said) >= len(STAGED)


def test_every_command_that_reads_has_something_to_show(admin: Terminal) -> None:
    lines = [each.example.replace("why app web", "why") for each in READ.values()]
    said = admin.runs([line.replace("myproject", admin.project) for line in lines])
    assert [(line, one.err) for line, one in zip(lines, said, strict=True) if one.code] == []
    assert all(one.out for one in said)


def test_what_has_no_operator_yet_says_so(admin: Terminal) -> None:
    lines = [each.example.replace("--project shop ", "") for each in LATER.values()]
    for line, one in zip(lines, admin.runs(lines), strict=True):
        assert one.code == 1, line
        assert "ValidationError · CurrentlyNotSupported" in one.err, line


ELSEWHERE: Final = {
    "changeset:commit", "changeset:discard", "changeset:undo", "changeset:retry", "changeset:info",
    "changeset:log", "changeset:diff", "changeset:revert", "project:create", "project:destroy",
    "stage:create", "stage:destroy", "stage:dump", "stage:apply", "stage:schema", "use", "login",
    "organization:switch", "logout", "completion",
}  # fmt: skip
"""What other tests of the command line run."""


def test_no_command_is_left_out() -> None:
    assert {*STAGED, *READ, *LATER, *ELSEWHERE, "help"} == set(declarations())
    others = "".join(path.read_text() for path in Path(__file__).parent.glob("test_cli*.py"))
    lines = " ".join(re.findall(r'(?:does|run|fails)\(\s*\[?f?"([^"]+)"', others))
    assert [name for name in ELSEWHERE if not re.search(rf"(?<![\w:]){name}(?![\w:])", lines)] == []


def test_a_cluster_is_chosen_and_forgotten(admin: Terminal) -> None:
    assert "setops-sandbox" in admin.does("login")
    assert f"You are {admin.user} on https://" in admin.does("login setops-sandbox")
    assert admin.does("organization:switch acme").startswith("New Projects are created in")
    assert "Organization: acme" in " ".join(admin.does("login:info").split())
    admin.does("logout")


AWS: Final = """#!{python}
import os, sys, yaml
if sys.argv[1:] != ["eks", "update-kubeconfig", "--name", "shop", "--alias", "shop",
                    "--region", "eu-central-1"]:
    sys.exit("An error occurred (ResourceNotFoundException): No cluster found")
path = os.environ["KUBECONFIG"]
config = yaml.safe_load(open(path))
config["contexts"].append({{"name": "shop", "context": config["contexts"][0]["context"]}})
open(path, "w").write(yaml.safe_dump(config))
"""
"""What the aws program (1.46, tried by hand against the emulator) takes, and does with it."""


def test_a_cluster_of_eks_is_imported_by_the_aws_program(admin: Terminal, tmp_path: Path) -> None:
    config = tmp_path / "kubeconfig"
    config.write_text(admin.kubeconfig.read_text())
    path = {**admin.variables, "PATH": str(tmp_path)}
    user = replace(admin, kubeconfig=config, directory=tmp_path, variables=path)
    said = user.fails("login --eks shop")
    assert "the aws program isn't installed" in said
    program = tmp_path / "aws"
    program.write_text(AWS.format(python=sys.executable))
    program.chmod(0o755)
    said = user.fails("login --eks other")
    assert "aws could not import 'other': An error occurred (ResourceNotFoundException)" in said
    said = user.does("login --eks shop --region eu-central-1")
    assert f"You are {admin.user} on https://" in said
    assert "Context:      shop\n" in user.does("login:info")


def test_help_is_there_for_all(admin: Terminal) -> None:
    keys = list(declarations())
    said = admin.runs([f"help {key}" for key in keys])
    assert [key for key, one in zip(keys, said, strict=True) if one.code or not one.out] == []
    assert Level.APP.value in said[keys.index("env:set")].out
