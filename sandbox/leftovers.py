"""What killed processes left: their sandboxes are ended and removed by those that come after."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from sandbox import processes
from sandbox.errors import AlreadyRunningError, SandboxError
from sandbox.processes import Process
from sandbox.state import State, StateDirectory


def _is_there(state: State) -> bool:
    """Whether somebody may still want what is in a recorded sandbox.

    One that stays until `down` is there until then, also if some or all of its processes have
    ended: they can be started again.
    """
    return state.ready if state.owner is None else state.owner.alive


def reclaim(directory: StateDirectory) -> None:
    """Ends and removes what a killed process left in a state directory."""
    state = directory.read()
    if state is not None:
        if _is_there(state):
            raise AlreadyRunningError(
                f"there is a sandbox in {directory.path} already: use it (`up` without "
                "--foreground), or end it with `down`, which removes its data"
            )
        for identity in state.processes.values():
            Process(identity).kill()
    for identity in processes.marked(directory.path):
        Process(identity).kill()
    directory.clear()


def temporary() -> Path:
    """A new state directory; those of processes that were killed are removed on the way."""
    home = Path(tempfile.gettempdir()).resolve() / f"setops-sandbox-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    if home.stat().st_uid != os.getuid():
        raise SandboxError(f"{home} belongs to somebody else; set TMPDIR to a folder of your own")
    for path in home.iterdir():
        directory = StateDirectory(path)
        with contextlib.suppress(OSError):
            state = directory.read()
            if state is not None and not _is_there(state):
                with directory.locked():
                    reclaim(directory)
                    directory.remove()
    return Path(tempfile.mkdtemp(dir=home))
