"""Starting, recognising and ending the processes of a sandbox.

A process is recognised by its id together with its start time, and by the state directory in its
environment; never by its name. Works on Linux only (/proc, prctl).
"""

from __future__ import annotations

import contextlib
import enum
import ipaddress
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# In the environment of every process of a sandbox, so that those of a killed parent are found.
MARKER = "SETOPS_SANDBOX_STATE"

_POLL = 0.02
# The state of a socket, as proc(5) writes it.
_LISTEN = "0A"


class Lifetime(enum.Enum):
    """How long a process lives."""

    ATTACHED = "ends with the process that started it, even if that is killed"
    DETACHED = "stays until it is stopped"


def _look_up(pid: int) -> tuple[str, int] | None:
    """State letter and start time of a process, from proc(5)."""
    fields = _stat(pid)
    return None if fields is None else (fields[0], int(fields[19]))


def _stat(pid: int) -> Sequence[str] | None:
    """What proc(5) tells of a process after its name; None if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name, in parentheses, may itself hold spaces and parentheses.
    return stat[stat.rindex(")") + 2 :].split()


@dataclass(frozen=True)
class ProcessId:
    """A process id together with the start time (clock ticks since boot), so unique."""

    pid: int
    started: int

    @staticmethod
    def of(pid: int) -> ProcessId | None:
        """The identity of a living process; None if there is none or it is a zombie."""
        found = _look_up(pid)
        return None if found is None or found[0] in "ZX" else ProcessId(pid, found[1])

    @property
    def alive(self) -> bool:
        return ProcessId.of(self.pid) == self

    def signal(self, number: int) -> None:
        """Sends a signal; a process that has ended meanwhile is none of our business."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    @property
    def memory(self) -> int:
        """Resident memory in bytes; 0 when the process has ended."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except OSError:
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Process:
    """A process of a sandbox, started by this process (`child`) or found running."""

    identity: ProcessId
    child: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self.identity.alive

    def wait(self, timeout: float) -> bool:
        """Waits until the process has ended; False after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL)
        if self.child is not None:
            self.child.wait()
        return True

    def stop(self, patience: float) -> None:
        """Asks the process to end, and kills it after `patience` seconds."""
        self.identity.signal(signal.SIGTERM)
        if not self.wait(patience):
            self.kill()

    def kill(self) -> None:
        """Kills the process and waits until it is gone."""
        self.identity.signal(signal.SIGKILL)
        self.wait(10)


def listening(pid: int) -> set[tuple[str, int]]:
    """Addresses and TCP ports that a process listens on; empty when it has ended."""
    inodes = set()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                inodes.add(str(descriptor.readlink()))
        lines = [
            line
            for table in ("tcp", "tcp6")
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        ]
    except OSError:
        return set()
    found = set()
    for line in lines:
        _, local, _, state, *_, inode = line.split()[:10]
        if state == _LISTEN and f"socket:[{inode}]" in inodes:
            address, _, port = local.partition(":")
            found.add((_dotted(address), int(port, 16)))
    return found


def _dotted(address: str) -> str:
    # In words of four bytes, each in the order of the machine.
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    packed = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
    return str(ipaddress.ip_address(packed))


@cache
def _starter() -> ThreadPoolExecutor:
    # The kernel ends attached children with the *thread* that started them: so one thread, which
    # lives as long as this process, starts them all, whichever thread asks for it.
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-starter")


def attached(command: Sequence[str]) -> list[str]:
    """The command line that runs a command for as long as this process lives."""
    script = str(Path(__file__).with_name("attached.py"))
    return [sys.executable, "-I", "-S", script, str(os.getpid()), *command]


def start(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    lifetime: Lifetime,
) -> Process:
    """Starts a process in a session of its own, out of reach of a Ctrl-C in the terminal.

    Standard output and error are appended to `log`; the environment is exactly the given one.
    """
    line = attached(command) if lifetime is Lifetime.ATTACHED else list(command)

    def begin() -> Process:
        with log.open("ab") as output:
            child = subprocess.Popen(
                line,
                env=dict(environment),
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        found = _look_up(child.pid)
        # Nobody has waited for the child yet, so it is there, if only as a zombie.
        assert found is not None  # noqa: S101
        return Process(ProcessId(child.pid, found[1]), child)

    return _starter().submit(begin).result()


def marked(directory: Path) -> Iterator[ProcessId]:
    """All living processes that carry the state directory in their environment."""
    wanted = f"{MARKER}={directory}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue  # it has ended, or belongs to somebody else
        if wanted in environment.split(b"\0"):
            process = ProcessId.of(int(entry.name))
            if process is not None:
                yield process


def strays(directory: Path, known: Collection[ProcessId]) -> Iterator[ProcessId]:
    """Living processes of a state directory that are not known, nor started by one that is."""
    pids = {process.pid for process in known if process.alive}
    for process in marked(directory):
        if pids.isdisjoint(_line_of_descent(process.pid)):
            yield process


def _line_of_descent(pid: int) -> Iterator[int]:
    """A process, its parent, and so on."""
    while pid > 0:
        yield pid
        fields = _stat(pid)
        pid = 0 if fields is None else int(fields[1])
