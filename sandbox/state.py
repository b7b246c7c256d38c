"""The state directory: everything that a sandbox leaves on disk is in it.

certificates/  data/  kubeconfigs/  logs/  run/  admin.kubeconfig  state.json  lock
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.processes import ProcessId

_PARTS = ("certificates", "data", "kubeconfigs", "logs", "run")


@dataclass(frozen=True)
class State:
    """What must be known of a sandbox to use, judge and end it."""

    tools: str
    ports: dict[str, int]
    aws: bool
    # The process with which the sandbox ends; None for one that stays until `down`.
    owner: ProcessId | None = None
    processes: dict[str, ProcessId] = field(default_factory=dict)
    ready: bool = False

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> State:
        values = json.loads(text)
        if values["owner"] is not None:
            values["owner"] = ProcessId(**values["owner"])
        values["processes"] = {
            name: ProcessId(**process) for name, process in values["processes"].items()
        }
        return State(**values)


@dataclass(frozen=True)
class StateDirectory:
    """The paths in a state directory."""

    path: Path

    @property
    def certificates(self) -> Path:
        return self.path / "certificates"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def kubeconfigs(self) -> Path:
        return self.path / "kubeconfigs"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def kubeconfig(self) -> Path:
        return self.path / "admin.kubeconfig"

    def log(self, component: str) -> Path:
        return self.logs / f"{component}.log"

    @property
    def _state(self) -> Path:
        return self.path / "state.json"

    @property
    def _lock(self) -> Path:
        return self.path / "lock"

    def read(self) -> State | None:
        """The recorded state; None if there is no sandbox here."""
        try:
            return State.from_json(self._state.read_text())
        except FileNotFoundError:
            return None

    def write(self, state: State) -> None:
        """Records the state; a reader sees the old one or the new one."""
        fresh = self._state.with_suffix(".new")
        fresh.write_text(state.to_json())
        fresh.replace(self._state)

    def create(self) -> None:
        """Makes the folders."""
        for part in _PARTS:
            (self.path / part).mkdir(mode=0o700, exist_ok=True)

    def clear(self) -> None:
        """Removes everything but the lock."""
        for entry in self.path.iterdir():
            if entry == self._lock:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def remove(self) -> None:
        """Removes the directory; called with the lock held."""
        shutil.rmtree(self.path, ignore_errors=True)

    def remove_remains(self) -> None:
        """Removes what processes wrote after somebody else had removed the directory.

        Leaves it alone if anything in it is not a sandbox's.
        """
        if self.path.exists() and all(entry.name in _PARTS for entry in self.path.iterdir()):
            self.remove()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from starting or stopping a sandbox here.

        Makes the directory if it is missing. Refuses one that holds anything else, since what is
        in it will be removed.
        """
        while True:
            if self.path.exists() and not self._lock.exists() and any(self.path.iterdir()):
                raise SandboxError(
                    f"{self.path} is not empty and no sandbox made it; name a directory that "
                    "does not exist yet, since `down` removes everything in it"
                )
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Who held the lock before may have removed the directory and the file with it.
                if self._is_lock(descriptor):
                    yield
                    return
            finally:
                os.close(descriptor)

    def _is_lock(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._lock.stat())
        except FileNotFoundError:
            return False
