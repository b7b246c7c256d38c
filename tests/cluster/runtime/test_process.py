"""The operator as a process: standing by, leading, ending."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import Sandbox

PATIENCE = 60.0


@dataclass
class Replica:
    """One process of the operator."""

    process: subprocess.Popen[bytes]
    log: Path

    def lines(self) -> list[dict[str, str]]:
        """What it has logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a probe; 0 while nothing answers."""
        ports = [
            line["message"].rsplit(" ", 1)[1]
            for line in self.lines()
            if line["message"].startswith("Serving")
        ]
        if not ports:
            return 0, ""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode().strip()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode().strip()

    def role(self) -> str:
        """What /readyz says."""
        return self.get("/readyz")[1]

    def end(self) -> int:
        """The exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < PATIENCE, "it never came to that"
        time.sleep(0.05)


Start = Callable[..., Replica]


@pytest.fixture
def start(sandbox: Sandbox, namespace: str, tmp_path: Path) -> Iterator[Start]:
    """Starts replicas, which end with the test."""
    started: list[Replica] = []
    with contextlib.ExitStack() as stack:

        def start_one(*arguments: str, **environment: str) -> Replica:
            settings = {
                "SETOPS_NAMESPACE": namespace,
                "SETOPS_LISTEN": "127.0.0.1",
                "SETOPS_HEALTH_PORT": "0",
                "SETOPS_METRICS_PORT": "0",
                "SETOPS_LEASE_DURATION": "4",
                "SETOPS_LEASE_RENEW_DEADLINE": "2",
                "SETOPS_LEASE_RETRY_PERIOD": "0.2",
                "SETOPS_IDENTITY": f"replica-{len(started)}",
                "KUBECONFIG": str(sandbox.kubeconfig),
            }
            log = tmp_path / f"{len(started)}.log"
            process = subprocess.Popen(
                [sys.executable, "-m", "setops.runtime.main", *arguments],
                env={**os.environ, **settings, **environment},
                stderr=stack.enter_context(log.open("wb")),
            )
            started.append(Replica(process, log))
            return started[-1]

        yield start_one
        for replica in started:
            if replica.process.poll() is None:
                replica.process.kill()
            replica.process.wait(PATIENCE)


def test_one_leads_and_the_other_takes_over_at_once(start: Start) -> None:
    # A Lease that nobody gives back lasts longer than this test has patience.
    lasting = {"SETOPS_LEASE_DURATION": "600", "SETOPS_LEASE_RENEW_DEADLINE": "500"}
    first = start(**lasting)
    until(lambda: first.role() == "leading")
    second = start(**lasting)
    until(lambda: second.role() == "standby")
    assert first.get("/healthz") == second.get("/healthz") == (200, "ok")
    assert "setops_leader 1.0" in first.get("/metrics")[1]
    assert "setops_leader 0.0" in second.get("/metrics")[1]
    assert first.end() == 0
    until(lambda: second.role() == "leading")
    assert second.end() == 0
    ours = [line for line in first.lines() if line["logger"].startswith("setops")]
    assert {line["level"] for line in ours} == {"info"}


def test_the_other_takes_over_from_one_that_was_killed(start: Start) -> None:
    first = start()
    until(lambda: first.role() == "leading")
    second = start()
    until(lambda: second.role() == "standby")
    first.process.kill()
    until(lambda: second.role() == "leading")


def test_who_loses_the_lease_ends(start: Start, sandbox: Sandbox, namespace: str) -> None:
    replica = start()
    until(lambda: replica.role() == "leading")
    sandbox.kubectl(
        "patch",
        "lease",
        "setops-operator",
        "-n",
        namespace,
        "--type=merge",
        "-p",
        json.dumps({"spec": {"holderIdentity": "another"}}),
    )
    assert replica.process.wait(PATIENCE) == 1
    assert "No longer leading: Lease" in replica.lines()[-1]["message"]


def test_a_replica_that_stands_by_ends_when_it_is_told_to(start: Start) -> None:
    first = start()
    until(lambda: first.role() == "leading")
    second = start()
    until(lambda: second.role() == "standby")
    assert second.end() == 0
    assert first.role() == "leading"


def test_without_a_cluster_it_says_what_to_do(start: Start, tmp_path: Path) -> None:
    replica = start(KUBECONFIG=str(tmp_path / "none"))
    assert replica.process.wait(PATIENCE) == 2
    assert "set KUBECONFIG to a readable file" in replica.lines()[-1]["message"]


def test_without_rights_it_names_what_it_cannot_list(start: Start, sandbox: Sandbox) -> None:
    nobody = sandbox.user_kubeconfig("nobody")
    replica = start(KUBECONFIG=str(nobody))
    until(lambda: any("can't be read or taken" in line["message"] for line in replica.lines()))
    assert replica.role() == "standby"
    assert replica.end() == 0
