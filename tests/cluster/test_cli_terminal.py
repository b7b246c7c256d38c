"""On a terminal: questions, the spinner, colour, widths; and completion in real shells."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.keyboard import Keyboard, keyboard
from tests.cluster.terminal import PROGRAM, Terminal, administrator, developer
from tests.cluster.world import World


@pytest.fixture(scope="module")
def dev(world: World, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A developer on a Stage with an App and a Service."""
    found = developer(world, administrator(world, tmp_path_factory.mktemp("terminals")))
    found.does("app:create web")
    found.does("service:create store --type s3")
    found.does(["env:set", "-a", "web", "GREETING=" + "hello " * 40])
    found.does("changeset:commit")
    return found


@contextmanager
def on_screen(dev: Terminal, line: str, columns: int = 80, **variables: str) -> Iterator[Keyboard]:
    """A line of setops, in a terminal."""
    environment = {**dev.environment, "TERM": "xterm", **variables}
    with keyboard([str(PROGRAM), *line.split()], environment, dev.directory, columns) as found:
        yield found


def test_commit_asks_and_no_is_no(dev: Terminal) -> None:
    dev.does("-a web resource:set scale 2")
    with on_screen(dev, "changeset:commit") as screen:
        said = screen.until("Commit this? [y/N]: ")
        assert "resources.scale: 1 → 2" in said
        screen.type("n\n")
        screen.until("Nothing was committed; the Changeset stays as it is.")
        assert screen.end() == 1
    dev.does("changeset:discard")


def test_commit_turns_a_spinner_in_one_line(dev: Terminal) -> None:
    dev.does("-a web env:set SPIN=1")
    with on_screen(dev, "changeset:commit") as screen:
        screen.until("Commit this? [y/N]: ")
        screen.type("y\n")
        assert screen.end() == 0
        assert "Initializing…" in screen.raw
        assert any(frame in screen.raw for frame in "◢◣◤◥")
        assert "\033[32mCommit successful!\033[0m" in screen.raw
        assert screen.text.rstrip().endswith("Commit successful!")


def test_ctrl_c_at_the_question_commits_nothing(dev: Terminal) -> None:
    dev.does("-a web env:set ASKED=1")
    with on_screen(dev, "changeset:commit") as screen:
        screen.until("Commit this? [y/N]: ")
        screen.type("\x03")
        screen.until("Nothing was committed; the Changeset stays as it is.")
        assert screen.end() == 1
    assert "Phase:       Open" in dev.does("changeset:info")
    dev.does("changeset:discard")


def test_a_file_is_applied_after_a_yes_and_no_is_no(dev: Terminal) -> None:
    file = dev.directory / "asked.yaml"
    file.write_text(dev.does("stage:dump").replace("apps:\n", "apps:\n  asked: {}\n"))
    for answer, said, code in (("n", "Nothing was changed.", 1), ("y", "Commit successful!", 0)):
        with on_screen(dev, "stage:apply -f asked.yaml") as screen:
            screen.until("Commit this? [y/N]: ")
            screen.type(f"{answer}\n")
            screen.until(said)
            assert screen.end() == code
        dev.fails("changeset:info", 78)
    assert "asked" in dev.does("app -o name")


def test_no_color_means_no_colour(dev: Terminal) -> None:
    dev.does("-a web env:set PLAIN=1")
    with on_screen(dev, "changeset:info", NO_COLOR="1") as screen:
        assert screen.end() == 0
        assert "\033[" not in screen.raw
    with on_screen(dev, "changeset:info") as screen:
        screen.end()
        assert "\033[33m~ App web\033[0m" in screen.raw
    dev.does("changeset:discard")


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("line", ["app", "env -a web", "service", "changeset:list", "help",
                                  "help env:set", "option --service store"])  # fmt: skip
def test_nothing_is_wider_than_the_terminal(dev: Terminal, line: str, columns: int) -> None:
    with on_screen(dev, line, columns) as screen:
        assert screen.end() == 0
        lines = screen.text.splitlines()
        # An example is a line to copy, so it isn't broken.
        assert [each for each in lines if len(each) > columns and "  setops " not in each] == []


SHELLS = [shell for shell in ("bash", "zsh", "fish") if shutil.which(shell)]
"""Those that are installed here; bash always is."""

PROMPT = "ready>"


@contextmanager
def shell(dev: Terminal, name: str, folder: Path) -> Iterator[Keyboard]:
    """A shell that completes setops, as somebody has it who has read the help of `completion`."""
    (folder / "completion").write_text(dev.does(f"completion {name}"))
    environment = {
        **dev.environment,
        "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}",
        "TERM": "xterm",
        "HOME": str(folder),
        "PS1": PROMPT,
        "ZDOTDIR": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
    begin = {
        "bash": ["bash", "--noprofile", "--norc", "-i"],
        "zsh": ["zsh", "-f", "-i"],
        "fish": ["fish", "--no-config", "-i"],
    }[name]
    with keyboard(begin, environment, folder, 200) as found:
        if name == "zsh":
            found.type(f"PS1='{PROMPT}'; autoload -U compinit && compinit -u\n")
        if name == "fish":
            found.type(f"function fish_prompt; echo -n '{PROMPT}'; end\n")
        found.type(f"source {folder / 'completion'}; echo all-''set\n")
        found.until("all-set")
        yield found


COMPLETED = {
    "a command with its colon": ("container:se", "container:set"),
    "what follows a colon": ("service:inf", "service:info"),
    "a setting": ("container:set po", "container:set port"),
    "an App by its flag": ("--app w", "--app web"),
    "an App as a value": ("app:info w", "app:info web"),
    "a type": ("service:create x --type s", "service:create x --type s3"),
    "a flag": ("changeset:commit --det", "changeset:commit --detach"),
    "a value after an equals sign": ("app:info --output=js", "app:info --output=json"),
    "a variable of the App": ("env:unset --app web GR", "env:unset --app web GREETING"),
    "an option of the Service": (
        "option:unset --service store block",
        "option:unset --service store blockPublicAccess",
    ),
}


@pytest.mark.parametrize("name", SHELLS)
def test_a_tab_completes_in_a_real_shell(dev: Terminal, name: str, tmp_path: Path) -> None:
    with shell(dev, name, tmp_path) as keys:
        for typed, whole in COMPLETED.values():
            # Then, from the line's beginning, it is made an echo of what it has become.
            keys.type(f"setops {typed}\t\x01echo @@\n")
            keys.until(f"@@setops {whole}")
            keys.type("echo next-''line\n")
            keys.until("next-line")
