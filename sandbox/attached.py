"""Becomes another program that ends when its parent does: PARENT-PID PROGRAM ARGUMENT...

Run as a script, without site packages, between fork and exec. The kernel keeps the wish to be
killed across exec, so this needs neither a watching process nor code after fork in a parent that
has threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, *command = sys.argv[1:]
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # The parent may have ended before the wish was made; nobody would send the signal then.
    if os.getppid() != int(parent):
        sys.exit("the parent has ended")
    os.execvpe(command[0], command, os.environ)  # noqa: S606


if __name__ == "__main__":
    main()
