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
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sandbox import Sandbox
from tests.chart.test_alerts import RULES, selectors

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

        def start_one(
            *arguments: str,
            run: Sequence[str] = (sys.executable, "-m", "setops.runtime.main"),
            without: Collection[str] = (),
            **environment: str,
        ) -> Replica:
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
            inherited = {name: text for name, text in os.environ.items() if name not in without}
            process = subprocess.Popen(
                [*run, *arguments],
                env={**inherited, **settings, **environment},
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


def test_it_has_the_metrics_that_the_alerts_are_about(start: Start) -> None:
    leader = start()
    until(lambda: leader.role() == "leading")
    families = text_string_to_metric_families(leader.get("/metrics")[1])
    suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket",)}
    names = {f"{each.name}{suffix}" for each in families for suffix in suffixes.get(each.type, ())}
    read = {metric for rule in RULES for metric in selectors(rule["expr"])}
    assert len(read) > 5
    assert read <= names


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


def test_of_two_installations_one_leads_and_the_other_names_it(
    start: Start, sandbox: Sandbox, namespace: str
) -> None:
    there = {"SETOPS_NAMESPACE": "default", "SETOPS_LEASE_NAME": "second"}
    ours = "/".join(there.values())
    first = start()
    until(lambda: first.role() == "leading")
    second = start(**there)
    told = f"refused: the installation of Lease {namespace}/setops-operator leads this cluster"
    until(lambda: second.get("/readyz") == (503, told))
    assert second.get("/healthz") == (200, "ok"), "a restart would not help"
    [line] = [line for line in second.lines() if line["level"] == "error"]
    assert f"Lease {namespace}/setops-operator. This one does nothing" in line["message"]
    assert "setops_leader 0.0" in second.get("/metrics")[1]
    # Its other replica stands by for it, as always.
    third = start(**there)
    until(lambda: third.role() == "standby")
    assert third.end() == 0

    assert first.end() == 0
    until(lambda: second.role() == "leading")
    found = sandbox.kubectl(
        *("get", "lease", "setops-installation", "-n", "kube-system"),
        *("-o", "jsonpath={.spec.holderIdentity}"),
    )
    assert found.stdout == ours
    again = start()
    until(lambda: again.role() == f"refused: the installation of Lease {ours} leads this cluster")
    assert again.end() == 0
    assert second.end() == 0


def test_of_two_installations_that_start_at_once_one_leads(start: Start) -> None:
    both = [start(SETOPS_LEASE_NAME=name) for name in ("one", "two")]
    until(lambda: sorted(each.role()[:7] for each in both) == ["leading", "refused"])
    leader = next(each for each in both if each.role() == "leading")
    other = next(each for each in both if each is not leader)
    leader.process.kill()
    until(lambda: other.role() == "leading")


def test_who_loses_the_cluster_ends(start: Start, sandbox: Sandbox) -> None:
    replica = start()
    until(lambda: replica.role() == "leading")
    sandbox.kubectl(
        *("patch", "lease", "setops-installation", "-n", "kube-system", "--type=merge", "-p"),
        json.dumps({"spec": {"holderIdentity": "elsewhere/setops"}}),
    )
    assert replica.process.wait(PATIENCE) == 1
    assert "is held by 'elsewhere/setops' now" in replica.lines()[-1]["message"]


def test_a_replica_that_stands_by_ends_when_it_is_told_to(start: Start) -> None:
    first = start()
    until(lambda: first.role() == "leading")
    second = start()
    until(lambda: second.role() == "standby")
    assert second.end() == 0
    assert first.role() == "leading"


MAIN = "from setops.runtime.main import main; main()"
USER_NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")
"""Variables from which Python learns a user's name before it asks the system."""


def under(uid: int) -> Sequence[str]:
    """The command that runs the operator under a uid.

    In a user namespace the process really has it, and may still read this checkout. A system
    without them is only told that it has: that is all that the search for a name sees.
    """
    space = ("unshare", "--user", f"--map-user={uid}", f"--map-group={uid}", "--")
    try:
        subprocess.run([*space, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return sys.executable, "-c", f"import os; os.getuid = lambda: {uid}; {MAIN}"
    return *space, sys.executable, "-c", MAIN


@pytest.mark.parametrize(
    ("uid", "surroundings"),
    [
        pytest.param(65532, {"HOME": "/"}, id="the default of the chart"),
        pytest.param(1000660000, {}, id="a uid of OpenShift's, and no home"),
        pytest.param(4294967294, {"HOME": "", "USER": ""}, id="the largest uid, and empty names"),
    ],
)
def test_it_leads_under_a_uid_that_the_system_has_no_name_for(
    start: Start, uid: int, surroundings: Mapping[str, str]
) -> None:
    without = ("HOME", *USER_NAMES)
    replica = start(run=under(uid), without=without, SETOPS_LOG_LEVEL="debug", **surroundings)
    until(lambda: replica.role() == "leading" or replica.process.poll() is not None)
    assert replica.process.poll() is None, replica.lines()[-1]
    # kopf has started when it has listed what it watches.
    until(lambda: any("In sync" in line["message"] for line in replica.lines()))
    assert replica.end() == 0
    ours = [line for line in replica.lines() if line["logger"].startswith("setops")]
    assert not [line for line in ours if line["level"] in ("error", "critical")]


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
