"""What completion offers where no cluster is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from setops.cli.shell.completion.answer import candidates
from setops.language.command import Level


def offered(line: str) -> set[str]:
    """The candidates for the last word of a line."""
    *before, word = line.split(" ")
    return {each.value for each in candidates(before, word)}


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("container:se", {"container:set"}),
        ("container:", {"container:set", "container:unset"}),
        ("container:set ", {"command", "entrypoint", "health-check", "port"}),
        ("-p shop container:set p", {"port"}),
        ("container:set port ", set()),
        ("service:create x --type ", {"postgresql", "s3"}),
        ("service:create x --deletion-policy=R", {"--deletion-policy=Retain"}),
        ("network:set public ", {"true", "false"}),
        ("network:set --app web protocol ", {"http", "tcp"}),
        ("link:create store --read", {"--read-only"}),
        ("stage:apply --fi", {"--file"}),
        ("stage:apply --file ", {":files"}),
        ("stage:apply -f ", {":files"}),
        ("help resource:set s", {"scale"}),
        ("completion ", {"bash", "zsh", "fish"}),
        ("why ", {"app", "service"}),
        ("app -o ", {"table", "json", "yaml", "name"}),
        ("container:set command -- ls -", set()),
        ("nonsense:command ", set()),
    ],
)
def test_what_can_stand_next_is_offered(line: str, values: set[str]) -> None:
    assert offered(line) == values


def test_without_a_word_the_families_are_offered() -> None:
    found = offered("")
    assert {"app", "stage", "organization:info", "help"} <= found
    assert "app:create" not in found
    assert "app:create" in offered("app")


def test_flags_are_those_of_the_command_and_not_twice() -> None:
    assert {"--description", "--secret", "--app", "--project", "--help"} <= offered("env:set A=1 -")
    assert "--app" not in offered("--app web env:set A=1 --a")
    assert {f"--{level}" for level in Level} <= offered("--")


def test_contexts_are_those_of_the_kubeconfig(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "contexts:\n"
        "- {name: live, context: {cluster: one, user: dev}}\n"
        "- {name: lab, context: {cluster: two, user: dev}}\n"
    )
    monkeypatch.setenv("KUBECONFIG", str(config))
    assert offered("login ") == {"live", "lab"}
    assert offered("login la") == {"lab"}


def test_completion_of_words_loads_nothing_that_takes_its_time() -> None:
    script = (
        "import sys; from setops.cli.shell.completion.answer import answer; "
        "answer(['container:se']); answer(['service:create', 'x', '--type', '']); "
        "heavy = [name for name in ('pydantic', 'http.client', 'yaml', 'click') "
        "if name in sys.modules]; sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
