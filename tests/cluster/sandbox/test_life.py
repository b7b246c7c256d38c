"""Starting and ending a sandbox, by its command line; whatever ends it, nothing is left behind."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sandbox import Sandbox, processes
from sandbox.components import START_ORDER
from sandbox.waiting import until

ROOT = Path(__file__).resolve().parents[3]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sandbox", *arguments]


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def living(directory: Path) -> list[processes.ProcessId]:
    return list(processes.marked(directory))


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A state directory; a test that fails doesn't leave its sandbox running."""
    path = tmp_path / "state"
    yield path
    for process in living(path):
        processes.Process(process).kill()


def start_in_foreground(directory: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        command("up", "--foreground", f"--dir={directory}"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout is not None
    for line in child.stdout:
        if "Ctrl-C ends it" in line:
            return child
    raise AssertionError(f"ended with exit code {child.wait()}")


def test_a_sandbox_is_started_used_and_ended_beside_another(
    directory: Path, sandbox: Sandbox
) -> None:
    option = f"--dir={directory}"
    up = call("up", option)
    assert up.returncode == 0, up.stderr
    assert "ready after" in up.stdout

    again = call("up", option)
    assert again.returncode == 0
    assert "runs already" in again.stdout

    assert call("status", option).returncode == 0
    script = f'eval "$({sys.executable} -m sandbox env {option})" && kubectl get nodes -o name'
    used = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert used.stdout.split() == ["node/node-a", "node/node-b", "node/node-c"]

    sandbox.kubectl("create", "namespace", "only-here")
    script = f'eval "$({sys.executable} -m sandbox env {option})" && kubectl get ns only-here'
    other = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert "NotFound" in other.stderr

    assert "already" in call("up", "--foreground", option).stderr
    assert call("down", option).returncode == 0
    child = start_in_foreground(directory)
    assert "already" in call("up", "--foreground", option).stderr

    assert "etcd" in call("logs", "no-such-component", option).stderr
    assert call("logs", "kube-apiserver", option).stdout

    # The one in the foreground is ended from another shell.
    assert call("down", option).returncode == 0
    child.communicate(timeout=60)
    assert child.returncode == 0
    assert living(directory) == []
    assert not directory.exists()
    assert call("status", option).returncode == 3
    assert "nothing runs" in call("down", option).stdout


@pytest.mark.parametrize(
    "ended",
    [["etcd"], ["kwok", "kube-controller-manager"], ["ministack"], sorted(START_ORDER)],
    ids=lambda ended: "+".join(ended) if len(ended) < 6 else "all",
)
def test_what_has_ended_is_started_again_with_the_same_data(
    kept: Sandbox, ended: Sequence[str]
) -> None:
    option = f"--dir={kept.directory.path}"
    before = Sandbox.attach(kept.directory.path).state
    for component in ended:
        os.kill(before.processes[component].pid, signal.SIGKILL)
    until(lambda: call("status", option).returncode == 3, "the status to show it")
    again = call("up", option)
    assert again.returncode == 0, again.stderr
    for component in ended:
        assert f"{component} had ended and was started again" in again.stdout
    assert call("status", option).returncode == 0
    assert kept.kubectl("get", "namespace", "mine").returncode == 0
    after = Sandbox.attach(kept.directory.path).state
    same = set(before.processes) - set(ended)
    assert all(after.processes[name] == before.processes[name] for name in same)


def test_two_who_start_it_again_at_once_start_each_process_once(kept: Sandbox) -> None:
    path = kept.directory.path
    before = Sandbox.attach(path).state
    for component in ("kube-scheduler", "kwok"):
        os.kill(before.processes[component].pid, signal.SIGKILL)
    ups = [subprocess.Popen(command("up", f"--dir={path}"), cwd=ROOT) for _ in range(2)]
    assert [up.wait(120) for up in ups] == [0, 0]
    after = Sandbox.attach(path)
    assert not after.dead
    assert {*living(path)} == {*after.state.processes.values()}


def test_a_process_that_nobody_has_recorded_is_ended(kept: Sandbox) -> None:
    """Whoever starts it again may be killed before it has noted what it started."""
    path = kept.directory.path
    before = Sandbox.attach(path)
    before.directory.write(
        dataclasses.replace(
            before.state,
            processes={
                name: process for name, process in before.state.processes.items() if name != "kwok"
            }
            | {"kwok": processes.ProcessId(before.state.processes["kwok"].pid, 1)},
        )
    )
    again = call("up", f"--dir={path}")
    assert again.returncode == 0, again.stderr
    assert "kwok had ended and was started again" in again.stdout
    after = Sandbox.attach(path)
    assert not after.dead
    assert {*living(path)} == {*after.state.processes.values()}


def test_an_operator_that_has_ended_costs_nothing_but_itself(kept: Sandbox) -> None:
    option = f"--dir={kept.directory.path}"
    started = call("up", "--operator", option)
    assert started.returncode == 0, started.stderr
    before = Sandbox.attach(kept.directory.path).state
    os.kill(before.processes["operator"].pid, signal.SIGKILL)
    until(lambda: call("status", option).returncode == 3, "the status to show it")

    told = call("up", option)
    assert "the operator had ended; see `" in told.stdout
    assert "to start it again: " in told.stdout
    again = call("up", "--operator", option)
    assert again.returncode == 0, again.stderr
    assert "the operator is ready" in again.stdout
    assert kept.kubectl("get", "namespace", "mine").returncode == 0
    after = Sandbox.attach(kept.directory.path).state
    assert after.processes.pop("operator").alive
    assert before.processes.items() >= after.processes.items()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that stays until `down`, with something of its user in it."""
    path = tmp_path_factory.mktemp("kept") / "state"
    assert call("up", f"--dir={path}").returncode == 0
    found = Sandbox.attach(path)
    found.kubectl("create", "namespace", "mine")
    yield found
    Sandbox.attach(path).stop()


def test_everything_listens_on_loopback_alone(sandbox: Sandbox) -> None:
    found = [processes.listening(each.pid) for each in living(sandbox.directory.path)]
    addresses = {address for pairs in found for address, _ in pairs}
    ports = {port for pairs in found for _, port in pairs}
    assert addresses == {"127.0.0.1"}
    assert ports == set(sandbox.state.ports.values())


def test_nothing_outlives_its_parent(directory: Path) -> None:
    child = start_in_foreground(directory)
    assert len(living(directory)) == 6
    child.kill()
    child.communicate()
    until(lambda: not living(directory), "the processes to end with their parent")

    # What is left on disk is in nobody's way, and Ctrl-C leaves nothing at all.
    child = start_in_foreground(directory)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode == 0
    assert living(directory) == []
    assert not directory.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_start_leaves_nothing(directory: Path, number: signal.Signals) -> None:
    child = subprocess.Popen(command("up", f"--dir={directory}"), cwd=ROOT)
    until(lambda: len(living(directory)) > 1, "the first processes")
    child.send_signal(number)
    child.wait()
    if number is signal.SIGKILL:
        # Processes that are meant to stay don't see it; the next command does, even if the
        # directory was removed under them.
        left = living(directory)
        assert left
        # So that none ends by itself, without its data, before the next command finds it.
        for process in left:
            process.signal(signal.SIGSTOP)
        shutil.rmtree(directory)
        # A process that still starts makes a part of it anew.
        (directory / "data" / "etcd").mkdir(parents=True, exist_ok=True)
        assert call("down", f"--dir={directory}").returncode == 0
    assert living(directory) == []
    assert not directory.exists()


def test_a_directory_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    refused = call("up", f"--dir={tmp_path}")
    assert refused.returncode == 1
    assert "is not empty and no sandbox made it" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_temporary_sandboxes_of_killed_processes_are_removed(tmp_path: Path) -> None:
    script = "from sandbox import Sandbox\nwith Sandbox.start(aws=False): print('done')"
    line = [sys.executable, "-c", script]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    home = tmp_path / f"setops-sandbox-{os.getuid()}"
    with subprocess.Popen(line, cwd=ROOT, env=environment) as child:
        until(lambda: home.exists() and list(home.glob("*/state.json")), "its state")
        [left] = home.iterdir()
        until(lambda: living(left), "its first process")
        child.kill()
    until(lambda: not living(left), "the processes to end with their parent")
    assert left.exists()
    ended = subprocess.run(
        line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    assert ended.stdout == "done\n"
    assert list(home.iterdir()) == []
