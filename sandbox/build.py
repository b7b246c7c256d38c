"""Building the programs of the control plane from source, once for each go.mod.

They go into a cache outside the checkout; its key is made of everything that the result depends
on. A build that was ended in the middle leaves nothing that looks finished.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox import processes, toolchain
from sandbox.errors import BuildError, MissingRequirementError

_HERE = Path(__file__).parent
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# What `go install` calls a program, where that isn't what everybody calls it.
_RENAMED = {"server": "etcd"}
# Go's caches of modules and compiled packages take about 5 GB when they are new.
_SPACE = 6 * 10**9
_HEARTBEAT = 30.0


@dataclass(frozen=True)
class Tools:
    """The built programs."""

    directory: Path

    def path(self, name: str) -> Path:
        return self.directory / name


@dataclass(frozen=True)
class _Recipe:
    system: str
    architecture: str
    flags: tuple[str, ...]
    packages: tuple[str, ...]

    @staticmethod
    def read() -> _Recipe:
        machine = platform.machine()
        if sys.platform != "linux" or machine not in _ARCHITECTURES:
            raise MissingRequirementError(
                f"the sandbox runs on Linux on x86_64 or aarch64, and this is {sys.platform} on "
                f"{machine}: point KUBECONFIG at an existing cluster instead"
            )
        module = (_HERE / "go.mod").read_text()
        release = re.search(r"^\s+k8s\.io/kubernetes (v\S+)", module, re.MULTILINE)
        block = re.search(r"^tool \((.*?)^\)", module, re.MULTILINE | re.DOTALL)
        assert release is not None and block is not None  # noqa: PT018, S101
        # Without its version the API server would call itself v0.0.0, which helm refuses.
        linker = f"-s -w -X k8s.io/component-base/version.gitVersion={release[1]}"
        return _Recipe(
            system="linux",
            architecture=_ARCHITECTURES[machine],
            flags=("-trimpath", "-ldflags", linker),
            packages=tuple(block[1].split()),
        )

    @property
    def key(self) -> str:
        digest = hashlib.sha256()
        for part in (
            (_HERE / "go.mod").read_bytes(),
            (_HERE / "go.sum").read_bytes(),
            repr((self.system, self.architecture, self.flags)).encode(),
        ):
            digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()[:16]

    @property
    def programs(self) -> dict[str, str]:
        """Name of each program by the name of the file that Go makes."""
        names = {}
        for package in self.packages:
            parts = [part for part in package.split("/") if not re.fullmatch(r"v\d+", part)]
            names[parts[-1]] = _RENAMED.get(parts[-1], parts[-1])
        return names

    def environment(self, binaries: Path) -> dict[str, str]:
        return {
            **os.environ,
            "GOBIN": str(binaries),
            "GOOS": self.system,
            "GOARCH": self.architecture,
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "-mod=readonly",
            "GOWORK": "off",
            "CGO_ENABLED": "0",
        }


def cache_directory() -> Path:
    """Where built programs are kept, for all checkouts of this user."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "setops-sandbox"


def is_built() -> bool:
    """Whether all programs are in the cache already."""
    return (cache_directory() / _Recipe.read().key).exists()


def tools() -> Tools:
    """The programs; builds them first if needed, which takes minutes and reports on stderr."""
    recipe = _Recipe.read()
    cache = cache_directory()
    finished = cache / recipe.key
    if not finished.exists():
        chain = toolchain.find(cache)
        _check_space(cache)
        with _only_one(cache / f"{recipe.key}.lock"):
            # Whoever had the lock before may have built them.
            if not finished.exists():
                _build(recipe, chain, finished)
    return Tools(finished)


def _check_space(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    if (Path(os.environ.get("GOCACHE") or cache.parent / "go-build")).exists():
        return
    free = shutil.disk_usage(cache).free
    if free < _SPACE:
        raise MissingRequirementError(
            f"building the sandbox takes about {_SPACE // 10**9} GB and {free / 10**9:.1f} GB are "
            f"free at {cache}: make room, or name another place in XDG_CACHE_HOME"
        )


@contextlib.contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("sandbox: waiting for another process to build the tools", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(recipe: _Recipe, chain: toolchain.Toolchain, finished: Path) -> None:
    unfinished = finished.with_name(finished.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    with _Progress(unfinished, recipe.programs) as progress:
        progress.say(f"building with {chain.description}; this happens once and takes minutes")
        chain.fetch()
        _install(recipe, chain.program, unfinished, progress)
    for file, program in recipe.programs.items():
        (unfinished / file).rename(unfinished / program)
    unfinished.rename(finished)


def _install(recipe: _Recipe, go: Path, binaries: Path, progress: _Progress) -> None:
    # Attached, since nobody would hold the lock for a compiler that goes on by itself.
    with subprocess.Popen(
        processes.attached([str(go), "install", "-v", *recipe.flags, *recipe.packages]),
        cwd=_HERE,
        env=recipe.environment(binaries),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            assert child.stderr is not None  # noqa: S101
            tail: deque[str] = deque(maxlen=40)
            for line in child.stderr:
                tail.append(line)
                progress.compiled(line)
        except BaseException:
            child.terminate()
            raise
    if child.returncode != 0:
        raise BuildError(
            f"`go install` in {_HERE} failed with exit code {child.returncode}:\n{''.join(tail)}"
        )


class _Progress:
    """Says on stderr which programs are built, and how long it has taken so far.

    A terminal gets one line that is rewritten; anything else a line for each program and a sign of
    life every half minute.
    """

    def __init__(self, binaries: Path, programs: dict[str, str]) -> None:
        self._binaries = binaries
        self._missing = dict(programs)
        self._total = len(programs)
        self._started = time.monotonic()
        self._packages = 0
        self._activity = "starting"
        self._terminal = sys.stderr.isatty()
        self._spoken = self._started
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Progress:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def compiled(self, line: str) -> None:
        """Takes note of a line that go wrote."""
        if line.startswith("go: downloading"):
            self._activity = "downloading " + line.split()[2]
        elif not line.startswith(("go:", "#")):
            self._packages += 1
            self._activity = f"{self._packages} packages compiled"

    def say(self, text: str) -> None:
        """Prints a line of its own."""
        self._spoken = time.monotonic()
        start = "\r\x1b[K" if self._terminal else ""
        print(f"{start}sandbox: {text}", file=sys.stderr, flush=True)

    @property
    def _elapsed(self) -> str:
        seconds = int(time.monotonic() - self._started)
        return f"{seconds // 60}:{seconds % 60:02}"

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            self._look()
            done = f"{self._total - len(self._missing)} of {self._total} programs"
            text = f"{done}, {self._activity} ({self._elapsed})"
            if self._terminal:
                print(f"\r\x1b[Ksandbox: {text}", end="", file=sys.stderr, flush=True)
            elif time.monotonic() - self._spoken > _HEARTBEAT:
                self.say(text)

    def _look(self) -> None:
        for file, program in list(self._missing.items()):
            if (self._binaries / file).exists():
                del self._missing[file]
                self.say(f"built {program} ({self._elapsed})")
