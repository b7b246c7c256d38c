"""The read commands: always the committed state, for people and for programs."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence

import pytest
import yaml

from tests.cluster.terminal import Terminal, administrator, developer
from tests.cluster.world import World

DIGEST = "sha256:4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"

COMMITTED = (
    "app:create web",
    f"-a web release:create registry.example.com/web@{DIGEST}",
    "-a web release:activate 1",
    "-a web resource:set scale 2",
    "-a web container:set health-check --interval 5 -- curl -f localhost:5000",
    "-a web env:set RAILS_ENV=production",
    "-a web domain:create www.example.com --primary",
    "service:create store --type s3",
    "-a web link:create store --env-key STORE_URL",
    "app:create worker",
    "notification:create ops --type webhook --target https://ops.example.com/hook",
)


@pytest.fixture(scope="module")
def dev(world: World, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A developer on a Stage with all sorts of things, and something that is only staged."""
    found = developer(world, administrator(world, tmp_path_factory.mktemp("terminals")))
    for line in COMMITTED:
        found.does(line)
    found.does("changeset:commit")
    found.does("-a web resource:set scale 7")
    return found


def row(table: str, name: str) -> Sequence[str]:
    """The cells of the row that begins with a name."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    return next(cells for cells in rows if cells and cells[0] == name)


def value(block: str, name: str) -> str:
    """The value of a key/value block."""
    return next(
        line.partition(":")[2].strip() for line in block.splitlines() if line.startswith(f"{name}:")
    )


@pytest.mark.parametrize(
    ("line", "name", "cells"),
    [
        ("app", "web", ["2", "2", "1", "false", "Ready"]),
        ("app", "worker", ["1", "0", "none", "false", "Ready"]),
        ("env -a web", "RAILS_ENV", ["production", ""]),
        ("link -a web", "store", ["as STORE_URL"]),
        ("domain --app web", "www.example.com", ["true", "false"]),
        ("release -a web", "1", [f"registry.example.com/web@{DIGEST}", "active"]),
        ("service", "store", ["s3", "", "", "Ready"]),
        (
            "option --service store",
            "blockPublicAccess",
            ["true", "Whether objects can never be made public."],
        ),
        ("changeset:list", "1", []),
    ],
)
def test_lists_are_tables_of_what_is_committed(
    dev: Terminal, line: str, name: str, cells: list[str]
) -> None:
    found = row(dev.does(line), name)
    assert found[1:][: len(cells)] == cells


def test_an_app_is_shown_with_its_containers_and_hints(dev: Terminal) -> None:
    said = dev.does("app:info web")
    assert value(said, "Scale") == "2", "what is only staged doesn't show"
    assert value(said, "Envs") == "RAILS_ENV=production"
    assert value(said, "Health checks").startswith("container: curl -f localhost:5000 every 5 s")
    assert value(said, "Status") == "ACTIVE 2 / 2 running tasks"
    assert said.count("RUNNING") == 2
    assert "HEALTHY" in said
    assert "Not ready for production" not in said
    assert "nothing runs: release:create IMAGE" in dev.does("--app worker app:info")
    assert value(dev.does("app:info worker"), "Status") == "INACTIVE 0 / 1 running tasks"
    assert dev.does("app:ps web").startswith("ACTIVE 2 / 2 running tasks\n+--")


def test_a_service_is_shown_with_who_links_it(dev: Terminal) -> None:
    said = dev.does("service:info store")
    assert value(said, "Links") == "web as STORE_URL"
    assert value(said, "Deletion policy") == "Retain"


def test_places_are_shown(dev: Terminal) -> None:
    said = dev.does("stage:info production")
    assert value(said, "Namespace") == f"{dev.project}-production"
    assert value(said, "Revision") == "1"
    assert "lack the rights" in dev.fails("project"), "a developer sees no other Projects"


SHAPES = ("app", "service", "notification", "env -a web", "link -a web", "release -a web",
          "domain -a web", "option --service store", "changeset", "changeset:list")  # fmt: skip


@pytest.mark.parametrize("line", SHAPES)
def test_programs_get_json_yaml_or_names(dev: Terminal, line: str) -> None:
    as_json = json.loads(dev.does(f"{line} -o json"))
    assert yaml.safe_load(dev.does(f"{line} --output=yaml")) == as_json
    names = dev.does(f"{line} -o name").splitlines()
    assert names == [str((item.get("metadata") or item)["name"]) for item in as_json]
    assert names


@pytest.mark.parametrize("line", ["app:info web", "stage:info production", "container -a web",
                                  "network -a web", "resource -a web", "login:info",
                                  "version", "changeset:info"])  # fmt: skip
def test_one_thing_is_one_document(dev: Terminal, line: str) -> None:
    found = json.loads(dev.does(f"{line} -o json"))
    assert isinstance(found, dict)
    assert yaml.safe_load(dev.does(f"{line} -o yaml")) == found


def test_what_is_missing_is_told_with_what_there_is(dev: Terminal) -> None:
    assert "did you mean 'web'?" in dev.fails("app:info wbe")
    assert "AppDoesNotExist" in dev.fails("env -a nothing")
    assert "there are: store" in dev.fails("service:info database")
    assert "write --app NAME (-a); there are: web, worker" in dev.fails("env")
    assert "write --service NAME; there are: store" in dev.fails("option")


def test_watch_shows_it_anew_when_it_changes(dev: Terminal, world: World) -> None:
    process = dev.begins("app --watch")
    assert process.stdout is not None
    while "worker" not in process.stdout.readline():
        assert process.poll() is None
    world.sandbox.kubectl("scale", "sapp/worker", "--replicas=3", "-n", f"{dev.project}-production")
    while "| worker | 3" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0


def test_nothing_is_written_where_a_reader_has_gone(dev: Terminal) -> None:
    process = dev.begins("app")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    assert process.communicate(timeout=60)[1] == ""
