"""Runs lines of `setops`, each in a process of its own that is forked from one that waits for them.

That one has the program imported already, which is most of what a short line costs. A line gets its
own arguments, environment, directory, standard streams and exit, as from a shell. Tests of the
start itself, of signals and of terminals run the installed program.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

_PATIENCE: Final = 120
"""Seconds for a line, and for the start of the process from which it is forked."""


@dataclass(frozen=True)
class Line:
    """What a process is told besides its standard streams."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> Sequence[str]:
        """The lines of its standard output."""
        return self.out.splitlines()


class Forks:
    """The process that waits for lines; started by the first one, and ended with the tests."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._socket = ""

    def run(self, line: Line, given: str) -> Said:
        """Run a line with `given` on its standard input. Raises TimeoutError."""
        self._start()
        with (
            tempfile.TemporaryFile() as given_file,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection,
        ):
            given_file.write(given.encode())
            given_file.seek(0)
            connection.settimeout(_PATIENCE)
            connection.connect(self._socket)
            told = [list(line.arguments), dict(line.environment), str(line.directory)]
            message = json.dumps(told).encode()
            streams = [each.fileno() for each in (given_file, out, err)]
            socket.send_fds(connection, [len(message).to_bytes(8)], streams)
            connection.sendall(message)
            code = int.from_bytes(_whole(connection, 4), signed=True)
            return Said(code, _read(out), _read(err))

    def _start(self) -> None:
        if self._process is not None:
            return
        folder = tempfile.mkdtemp(prefix="setops-forks-")
        self._socket = f"{folder}/socket"
        # SIGINT is for the tests; this process is ended with them.
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, self._socket], start_new_session=True
        )
        atexit.register(self._stop)
        deadline = time.monotonic() + _PATIENCE
        while not Path(self._socket).exists():
            assert self._process.poll() is None, "the process that runs the lines has ended"
            assert time.monotonic() < deadline, "the process that runs the lines doesn't listen"
            time.sleep(0.01)

    def _stop(self) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        Path(self._socket).unlink()
        Path(self._socket).parent.rmdir()


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _whole(connection: socket.socket, count: int) -> bytes:
    with connection.makefile("rb") as stream:
        found = stream.read(count)
    if len(found) < count:
        raise ConnectionError("the other side has gone")
    return found


def _serve(path: str) -> None:
    """Wait for lines. Returns in the process of a line, in which the program is run next."""
    import setops.cli

    for module in pkgutil.walk_packages(setops.cli.__path__, "setops.cli."):
        importlib.import_module(module.name)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Under another name first: whoever sees the name may connect.
    listening.bind(f"{path}.new")
    listening.listen(64)
    os.rename(f"{path}.new", path)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _answer(connection)
            return
        connection.close()


def _answer(connection: socket.socket) -> None:
    """Fork the process of a line, and tell its exit code. Returns in that process."""
    size, streams, _, _ = socket.recv_fds(connection, 8, 3)
    message = json.loads(_whole(connection, int.from_bytes(size)))
    program = os.fork()
    if program:
        _, status = os.waitpid(program, 0)
        connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, signed=True))
        os._exit(0)
    connection.close()
    arguments, environment, directory = message
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = ["setops", *arguments]
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    _serve(sys.argv[1])
    importlib.import_module("setops.cli.main").main()
