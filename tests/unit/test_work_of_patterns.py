"""No text makes a regular expression work for long: each is tried with long hostile ones.

The work is bounded by the processor time of a process, not by the clock on the wall.
"""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

_SECONDS: Final = 20
"""Processor time for all patterns, which takes about two. A bad one takes more than that alone."""
_FEW: Final = 4


def _worked(*line: str, seconds: int = _SECONDS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.unit.patterns", *line],
        cwd=Path(__file__).parents[2],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds)),
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_pattern_takes_long_for_any_text() -> None:
    done = _worked()
    tried = done.stdout.splitlines()
    assert done.returncode == 0, f"{tried[-1:]} took too long, or failed: {done.stderr[-2000:]}"
    assert len(tried) > 50, "the patterns of the whole package"


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"\{\{.*?\}\}", r"(a|a)*b"])
def test_a_pattern_that_takes_long_is_found(pattern: str) -> None:
    done = _worked(pattern, seconds=_FEW)
    assert done.returncode in (-signal.SIGXCPU, -signal.SIGKILL), done.stderr
