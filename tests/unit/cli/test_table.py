"""The commands: one table, nothing missing of the platform's tree, help for each, a quick start."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

from setops.cli import generate
from setops.cli.base.declare import Own
from setops.cli.shell import help as pages
from setops.cli.shell import table
from setops.language.table import COMMANDS

DOCS: Final = Path(__file__).resolve().parents[3] / "docs"

# Source: the tree of the platform's command line.
_TREE: Final = """
organization:info organization:switch
project project:create project:info project:destroy
stage stage:create stage:info stage:destroy stage:dump stage:apply
app app:create app:info app:destroy app:ps
container container:set container:unset network network:set network:unset
resource resource:set resource:unset
env env:set env:unset domain domain:create domain:destroy domain:validate
link link:create link:destroy release release:create release:activate
task task:run task:attach task:stop log
service service:create service:info service:destroy option option:set option:unset
backup backup:create backup:info backup:destroy backup:download backup:upload backup:restore
backup:schedule backup:unschedule
notification notification:create notification:destroy
changeset changeset:info changeset:commit changeset:discard
user user:invite user:remove
login login:info logout completion version help
"""
_SETTINGS: Final = {
    "container:set": "command entrypoint health-check",
    "container:unset": "command entrypoint health-check",
    "network:set": "protocol public port health-check-path health-check-status",
    "network:unset": "protocol public port health-check-path health-check-status",
    "resource:set": "cpu memory scale",
    "resource:unset": "scale",
}
_FLAGS: Final = {
    "project:destroy": "force",
    "stage:destroy": "force",
    "stage:apply": "file tag auto-approve",
    "container:set health-check": "interval timeout retries start-period",
    "env:set": "description",
    "domain:create": "primary",
    "link:create": "env-key path read-only",
    "task:run": "release cpu memory entrypoint detached detach-timeout interactive",
    "log": "number follow after before task no-source all-health-checks",
    "service:create": "type plan version",
    "backup:schedule": "hour weekday",
    "notification:create": "type target",
    "user:invite": "role",
}


def test_nothing_of_the_platforms_tree_is_missing() -> None:
    assert [name for name in _TREE.split() if name not in table.forms()] == []
    settings = [f"{name} {each}" for name, of in _SETTINGS.items() for each in of.split()]
    assert [key for key in settings if key not in table.declarations()] == []
    flags = [(key, flag) for key, of in _FLAGS.items() for flag in of.split()]
    assert [each for each in flags if not table.declarations()[each[0]].flag(each[1])] == []


def test_the_languages_commands_are_written_down_as_they_are() -> None:
    assert generate.staged() == table.STAGED.read_text(encoding="utf-8"), "stale: make docs"
    for key, command in COMMANDS.items():
        assert table.declarations()[key].usage == command.usage


@pytest.mark.parametrize("name", table.forms())
def test_every_command_explains_itself(name: str) -> None:
    for form in table.forms()[name]:
        page = pages.page([form])
        assert form.help.split()[0] in page
        assert f"Example:\n  setops {form.example}" in page
        assert form.name in form.example
    assert name in pages.overview()


@pytest.mark.parametrize("own", [one for one in table.declarations().values()
                                 if isinstance(one, Own)], ids=lambda own: own.key)  # fmt: skip
def test_what_a_command_runs_exists(own: Own) -> None:
    assert callable(import_module(f"setops.cli.{own.run}").run)


def test_the_reference_is_what_the_declarations_say() -> None:
    made = generate.documents()
    kept = {
        str(path.relative_to(DOCS)): path.read_text(encoding="utf-8")
        for folder in ("reference", "man", generate.SCHEMA)
        for path in ((DOCS / folder).rglob("*") if (DOCS / folder).is_dir() else [DOCS / folder])
        if path.is_file()
    }
    assert kept == made, "stale: make docs"


HEAVY: Final = ("pydantic", "http.client", "yaml", "asyncio", "aiohttp", "kubernetes", "boto3")


@pytest.mark.parametrize("line", ["--help", "help resource:set", "app:create --help"])
def test_help_loads_nothing_that_takes_its_time(line: str) -> None:
    script = (
        "import sys; from setops.cli.main import run; code = run(sys.argv[1:]); "
        f"loaded = [name for name in {HEAVY} if name in sys.modules]; "
        "sys.exit(str(loaded) if loaded or code else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *line.split()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: setops")


def test_a_wrong_command_is_answered_with_the_nearest() -> None:
    assert "did you mean resource:set?" in pages.unknown("rsource:set").message
    assert "there are: stage" in pages.unknown("stage:qqqqqqqqqqqq").message
    assert "setops help lists all" in pages.unknown("qqqqqq").message
