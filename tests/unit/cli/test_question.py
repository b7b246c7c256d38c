"""A question on a terminal: what counts as yes, and that no Ctrl-C is lost."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import pytest

from tests.cluster.keyboard import Keyboard, keyboard

ASK: Final = """
from setops.cli.base.terminal import confirmed
print("said", confirmed("Sure?"))
"""


def asked(folder: Path) -> AbstractContextManager[Keyboard]:
    """A program that asks, in a terminal."""
    return keyboard([sys.executable, "-c", ASK], os.environ, folder)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("y\n", True),
        ("YES\n", True),
        ("n\n", False),
        ("\n", False),
        ("\x04", False),
        ("\x03", False),
        ("perhaps\ny\n", True),
        ("y\x03", False),
    ],
    ids=["y", "yes", "n", "enter", "ctrl-d", "ctrl-c", "nonsense", "ctrl-c after y"],
)
def test_only_a_yes_is_a_yes(tmp_path: Path, keys: str, said: bool) -> None:
    with asked(tmp_path) as screen:
        screen.until("Sure? [y/N]: ")
        screen.type(keys)
        screen.until(f"said {said}")
        assert screen.end() == 0
