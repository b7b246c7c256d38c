"""Makes plans so that nobody waits for those of others.

A small plan is made at once. One that may take longer is made in a process of its own, which has a
limit of time and memory: one process for what is to be committed, and one for what is only to be
shown, which gives way to everything else. Who finds a process busy comes back later, so that few
hold a worker of the queue while they wait. A process is started when it is needed, and ends when
nobody has needed it for a while, or when it has grown.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pickle
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from setops.api.definition import StageDefinition
from setops.changes.outcome import Outcome, Question, outcome_of
from setops.reconcile.planner import BusyError, TooCostlyError
from setops.runtime.planner_process import LENGTH, OUT_OF_MEMORY, PlanAnswer

SMALL: Final = 0.05
"""Seconds of CPU that a plan may take where everybody waits for it."""

_CHARACTERS: Final = 32_000
_COMMANDS: Final = 100
_FIELDS: Final = 2_000
"""A Changeset with more characters or commands, or a Stage with more Apps and variables, is planned
in a process, whatever the last plan took."""

_IDLE: Final = 30.0
"""Seconds without a question after which a process ends."""

_PATIENCE: Final = 6
"""How many times its limit of CPU a plan may take by the clock, on a machine that is busy."""

_INHERITED: Final = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ")
"""Variables that a process gets; none holds credentials."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one plan may take in a process: seconds of CPU, and MiB of memory."""

    seconds: float = 10.0
    memory: int = 192


class ProcessPlanner:
    """See `reconcile.planner.Planner`. `observe` hears how each plan was made and its seconds."""

    def __init__(self, limits: Limits, observe: Callable[[str, float], None]) -> None:
        self._limits = limits
        self._observe = observe
        self._commits = _Process(limits, niceness=0, askers=2)
        self._shown = _Process(limits, niceness=10, askers=1)
        self._seconds: dict[str, float] = {}

    def seconds(self, namespace: str) -> float:
        """See `Planner.seconds`."""
        return self._seconds.get(namespace, 0.0)

    async def outcome(self, question: Question, namespace: str) -> Outcome:
        """See `Planner.outcome`."""
        if _is_small(question) and self.seconds(namespace) < SMALL:
            started = time.thread_time()  # a busy machine makes no plan costly
            outcome = outcome_of(question)
            self._note("inline", namespace, time.thread_time() - started)
            return outcome
        process = self._commits if question.for_commit else self._shown
        try:
            answer = await process.ask(question)
        except TooCostlyError:
            self._note("refused", namespace, self._limits.seconds)
            raise
        self._note("process", namespace, answer.seconds)
        return answer.outcome

    async def stop(self) -> None:
        """End the processes."""
        await self._commits.end()
        await self._shown.end()

    def _note(self, way: str, namespace: str, seconds: float) -> None:
        self._seconds[namespace] = seconds
        self._observe(way, seconds)


def _is_small(question: Question) -> bool:
    commands = question.spec.commands or ()
    return (
        len(commands) <= _COMMANDS
        and sum(map(len, commands)) <= _CHARACTERS
        and _characters(question.spec.definition, _CHARACTERS) <= _CHARACTERS
        and _fields(question.base) + _fields(question.now) <= _FIELDS
    )


def _fields(definition: StageDefinition) -> int:
    return sum(
        10 + len(app.env or ()) + len(app.domains or ()) + len(app.links or ())
        for app in definition.apps.values()
    ) + 10 * len(definition.services)


def _characters(value: object, most: int) -> int:
    """About how many characters a value takes; it isn't looked at beyond `most`."""
    if isinstance(value, str):
        return len(value) + 3
    total = 2
    if isinstance(value, dict):
        for key, item in value.items():
            total += len(str(key)) + _characters(item, most - total)
            if total > most:
                return total
    elif isinstance(value, list):
        for item in value:
            total += _characters(item, most - total)
            if total > most:
                return total
    return total


class _Process:
    """One process and who waits for it. Pickling is done in threads, since it takes its time.

    There are at most `askers` at a time, counting the one whose plan is being made: each of them
    holds a worker of the queue.
    """

    def __init__(self, limits: Limits, niceness: int, askers: int) -> None:
        self._limits = limits
        self._niceness = niceness
        self._askers = askers
        self._asking = 0
        self._turn = asyncio.Lock()
        self._running: asyncio.subprocess.Process | None = None
        self._ending: asyncio.TimerHandle | None = None

    async def ask(self, question: Question) -> PlanAnswer:
        """Raises BusyError, and TooCostlyError; then the process has ended."""
        if self._asking >= self._askers:
            raise BusyError("other plans come first")
        self._asking += 1
        try:
            return await self._ask(question)
        finally:
            self._asking -= 1

    async def _ask(self, question: Question) -> PlanAnswer:
        async with self._turn:
            if self._ending is not None:
                self._ending.cancel()
            data = await asyncio.to_thread(pickle.dumps, question, pickle.HIGHEST_PROTOCOL)
            running = await self._started()
            try:
                async with asyncio.timeout(self._limits.seconds * _PATIENCE):
                    answer = await self._exchange(running, data)
            except TimeoutError as error:
                await self.end()
                raise TooCostlyError(self._told()) from error
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                self._running = None
                code = await running.wait()
                if code < 0 or code == OUT_OF_MEMORY:  # below zero: the kernel has ended it
                    raise TooCostlyError(self._told()) from error
                raise RuntimeError(f"the process that makes plans ended with {code}") from error
            except BaseException:
                await self.end()  # nobody would take the answer
                raise
            if answer.memory > self._limits.memory / 2:
                await self.end()
            else:
                loop = asyncio.get_running_loop()
                self._ending = loop.call_later(_IDLE, self._kill)
            return answer

    async def end(self) -> None:
        """End the process, if there is one."""
        running = self._running
        self._kill()
        if running is not None:
            await running.wait()

    def _kill(self) -> None:
        if self._running is not None:
            with contextlib.suppress(ProcessLookupError):
                self._running.kill()
        self._running = None

    async def _started(self) -> asyncio.subprocess.Process:
        if self._running is None or self._running.returncode is not None:
            self._running = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-c", "from setops.runtime.planner_process import main; main()"),
                *(str(self._limits.seconds), str(self._limits.memory)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={name: os.environ[name] for name in _INHERITED if name in os.environ},
                start_new_session=True,
            )
            if self._niceness:
                os.setpriority(os.PRIO_PROCESS, self._running.pid, self._niceness)
        return self._running

    async def _exchange(self, running: asyncio.subprocess.Process, data: bytes) -> PlanAnswer:
        assert running.stdin is not None  # noqa: S101 - both are pipes
        assert running.stdout is not None  # noqa: S101
        running.stdin.write(LENGTH.pack(len(data)) + data)
        await running.stdin.drain()
        (size,) = LENGTH.unpack(await running.stdout.readexactly(LENGTH.size))
        answered = await running.stdout.readexactly(size)
        answer: PlanAnswer = await asyncio.to_thread(pickle.loads, answered)
        return answer

    def _told(self) -> str:
        limits = self._limits
        return (
            f"making the plan took more than one Changeset may, {limits.seconds:g} s of CPU or "
            f"{limits.memory} MiB of memory; split the Changeset into several"
        )
