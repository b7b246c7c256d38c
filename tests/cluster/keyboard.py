"""A program in a pseudo-terminal: keys in, what the screen gets out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 60.0
_STEERING = re.compile(r"\x1b\[[0-9;?=>]*[a-zA-Z]|\x1b[=>]|\x1b\][^\x07]*\x07|\r|\x1b\(B|\x0f|\a")


class Keyboard:
    """One program and its terminal."""

    def __init__(self, pid: int, screen: int) -> None:
        self.pid = pid
        self._screen = screen
        self.raw = ""

    @property
    def text(self) -> str:
        """All that was written so far, without what moves the cursor or sets colours."""
        return _STEERING.sub("", self.raw)

    def type(self, keys: str) -> None:
        """Press keys; `\\t` completes, `\\x03` is Ctrl-C."""
        with contextlib.suppress(OSError):  # the program may have ended
            os.write(self._screen, keys.encode())

    def until(self, words: str) -> str:
        """Wait until words are on the screen; the text since the last time that was waited for."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.text:
            if time.monotonic() > deadline or not self._read(deadline):
                raise AssertionError(f"never came: {words!r} in {self.text!r}")
        seen, self.raw = self.text, ""
        return seen

    def end(self) -> int:
        """Wait for the program's end; its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        while (ended := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > deadline:
                raise AssertionError(f"doesn't end, after {self.text!r}")
            time.sleep(0.02)
        self.pid = 0
        return os.waitstatus_to_exitcode(ended[1])

    def close(self) -> None:
        """End the program if it runs still."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._screen)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._screen], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._screen, 65536)
        except OSError:  # the program has closed its side
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)


@contextmanager
def keyboard(
    program: Sequence[str], environment: Mapping[str, str], directory: Path, columns: int = 80
) -> Iterator[Keyboard]:
    """Run a program in a terminal of so many columns."""
    pid, screen = pty.fork()
    if pid == 0:
        os.chdir(directory)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execvpe(program[0], list(program), dict(environment))  # noqa: S606 - no shell is wanted
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    found = Keyboard(pid, screen)
    try:
        yield found
    finally:
        found.close()
