"""What wrong lines say, all of it exact: the table `cli_errors.txt`.

The lines run one after another in one process of a developer, on a Stage with the Apps web and
worker and the Service store; none of them changes anything. To write the table anew after a change
of words: WRITE=1 pytest tests/cluster/test_cli_errors.py, and read the difference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.cluster.terminal import Terminal, administrator, developer, grant
from tests.cluster.world import World

TABLE: Final = Path(__file__).with_name("cli_errors.txt")


@pytest.fixture(scope="module")
def dev(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A developer who may look at Projects and Organizations, too."""
    found = developer(world, administrator(world, tmp_path_factory.mktemp("terminals")))
    sight = grant(world, found.user, "view")
    for line in ("app:create web", "app:create worker", "service:create store --type s3"):
        found.does(line)
    found.does("changeset:commit")
    yield found
    # Elsewhere this user is one who sees a Stage and no more.
    world.delete("clusterrolebinding", sight)


def rows() -> dict[str, str]:
    """The table: a line, and what it says."""
    blocks = TABLE.read_text(encoding="utf-8").split("\n$ ")[1:]
    split = (block.partition("\n") for block in blocks)
    return {line: said.rstrip("\n") for line, _, said in split}


def test_wrong_lines_are_answered_exactly(dev: Terminal) -> None:
    expected = rows()
    answers = {
        line: _settled(f"[{said.code}] {said.err}", dev)
        for line, said in zip(expected, dev.runs(list(expected)), strict=True)
    }
    if os.environ.get("WRITE"):
        _write(answers)
    assert answers == rows()
    assert len(answers) >= 150
    for line, said in answers.items():
        code = 78 if "ChangesetDoesNotExist" in said else 1
        assert said.startswith(f"[{code}] "), line
        assert "has a bug" not in said, line
    dev.fails("changeset:info", 78)


def _settled(said: str, dev: Terminal) -> str:
    """Without what differs from run to run: names, Projects and Organizations of other tests."""
    said = said.replace(dev.project, "PROJECT").rstrip("\n")
    return re.sub(r"((?:Project|Organization) '.*?' doesn't exist; there are:) .*", r"\1 …", said)


def _write(answers: dict[str, str]) -> None:
    head = TABLE.read_text(encoding="utf-8").split("\n$ ")[0]
    blocks = [f"$ {line}\n{said}\n" for line, said in answers.items()]
    TABLE.write_text("\n".join([head.rstrip("\n") + "\n", *blocks]), encoding="utf-8")
