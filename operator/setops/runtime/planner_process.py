"""The program of a process that makes plans: one question after another, until its input ends.

A question is pickled, with its length before it, and so is the answer. Only the operator writes
here. It says in an argument how much each plan may take: seconds of CPU and MiB of memory.
"""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import resource
import signal
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from setops.changes.outcome import Outcome, outcome_of

LENGTH: Final = struct.Struct(">Q")

OUT_OF_MEMORY: Final = 3
"""The exit code of a process that needed more memory than it may have."""

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PlanAnswer:
    """The outcome, the seconds of CPU that it took, and the MiB of memory at most so far."""

    outcome: Outcome
    seconds: float
    memory: float


def main() -> None:
    """PlanAnswer until there are no more questions.

    Exits with OUT_OF_MEMORY wherever memory runs out, be it while a question is read or an answer
    is written: what is left of either couldn't be told from the next one.
    """
    seconds, memory = float(sys.argv[1]), int(sys.argv[2])
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    _go_first()
    resource.setrlimit(resource.RLIMIT_DATA, (memory * _MIB, memory * _MIB))
    try:
        _serve(source, sink, seconds)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _serve(source: BinaryIO, sink: BinaryIO, seconds: float) -> None:
    while (asked := _read(source)) is not None:
        _allow(seconds)
        data = pickle.dumps(_answer(asked), pickle.HIGHEST_PROTOCOL)
        sink.write(LENGTH.pack(len(data)))
        sink.write(data)
        sink.flush()


def _go_first() -> None:
    """When memory runs out in the pod, the kernel is to end this process and not the operator."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _allow(seconds: float) -> None:
    """Have the kernel end this process after so much more CPU.

    The limit counts whole seconds; the timer, whose signal ends the process, is exact.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + seconds) + 1, most))


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return source.read(LENGTH.unpack(head)[0])


def _answer(asked: bytes) -> PlanAnswer:
    before = time.process_time()
    outcome = outcome_of(pickle.loads(asked))  # noqa: S301 - from the operator
    return PlanAnswer(outcome, time.process_time() - before, _peak())


def _peak() -> float:
    """MiB of memory at most so far. What `getrusage` says includes the operator's, before exec."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0
