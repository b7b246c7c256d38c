"""The command line where no operator runs, and where the API server has other troubles."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from sandbox import Sandbox
from sandbox.proxy import Proxy
from setops.api.errors import Category, Code
from setops.api.kinds import DEPLOYMENT, PROJECT, STAGE, Key
from setops.cli.base.connect import problem_of
from setops.kube.errors import (
    ApiError,
    Forbidden,
    NotFound,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from tests.cluster import terminal
from tests.cluster.terminal import PROGRAM, Terminal


@pytest.fixture(scope="module")
def alone(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A Stage without an operator."""
    with terminal.alone(sandbox, tmp_path_factory.mktemp("terminals"), "alone") as found:
        yield found


def test_commands_are_staged_and_planned_without_an_operator(alone: Terminal) -> None:
    alone.does("app:create web")
    assert "exists already" in alone.fails("app:create web")
    said = alone.does("changeset:info")
    assert "Plan (made here: the operator doesn't answer):" in said
    assert "+ App web" in said
    assert "The commit has begun" in alone.does("changeset:commit --detach")
    assert "ChangesetLocked" in alone.fails("app:create other")


def test_a_new_stage_says_that_nobody_answers(alone: Terminal) -> None:
    said = alone.fails("-p alone stage:create other")
    assert "the operator doesn't answer; is it running?" in said
    assert "Fault · ServerFailure" in said


@pytest.fixture
def nobody_reads(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Sequence[str]], int]]:
    """Runs a line in a Stage of its own, its output into a pipe that nobody reads; exit code."""
    with terminal.alone(sandbox, tmp_path_factory.mktemp("terminals"), "unread") as found:

        def ran(line: Sequence[str]) -> int:
            reader, writer = os.pipe()
            os.close(reader)
            with open(writer, "wb") as out:
                return subprocess.run(
                    [PROGRAM, *line], env=found.environment, stdout=out, cwd=tmp, check=False
                ).returncode

        tmp = tmp_path_factory.mktemp("unread")
        (tmp / "file").write_text("schema_version: 2\napps: {web: {resources: {scale: 1}}}\n")
        yield ran
        sandbox.kubectl("delete", "changesets.setops.co", "--all", "-n", "unread-production")


def test_what_was_begun_is_done_though_nobody_reads_and_a_refused_commit_leaves_nothing_open(
    nobody_reads: Callable[[Sequence[str]], int], sandbox: Sandbox
) -> None:
    line = ["stage:apply", "-f", "file", "--auto-approve", "--detach"]
    assert nobody_reads([*line, "-m", "a" * 5000]) == 1, "no message may be as long"
    assert nobody_reads(line) == 0
    said = sandbox.kubectl(
        "get", "changesets.setops.co", "-n", "unread-production", "-o", "json"
    ).stdout
    specs = [each["spec"] for each in json.loads(said)["items"]]
    assert sorted((bool(spec.get("commit")), bool(spec.get("discard"))) for spec in specs) == [
        (False, True),
        (True, False),
    ]


def test_a_server_that_drops_everything_is_a_plain_sentence(
    alone: Terminal, sandbox: Sandbox, tmp_path: Path
) -> None:
    with Proxy(sandbox.server, sandbox.authority, certificate=sandbox.certificate) as proxy:
        url = proxy.url
    text = alone.kubeconfig.read_text().replace(sandbox.server, url)
    config = tmp_path / "config"
    config.write_text(text)
    lost = Terminal(sandbox, alone.user, config, tmp_path, alone.variables)
    assert "the cluster can't be reached" in lost.fails("app")
    assert "Traceback" in lost.fails("--debug app")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Unauthorized("Unauthorized", status=401), Code.SESSION_INVALID, "log in again"),
        (
            Forbidden('apps is forbidden: User "x" cannot list', status=403),
            Code.INSUFFICIENT_PRIVILEGES,
            'you lack the rights for that: User "x" cannot list',
        ),
        (
            NotFound("404 page not found", status=404, target=PROJECT),
            Code.SERVER_FAILURE,
            "SetOps isn't installed in this cluster",
        ),
        (
            NotFound("gone", status=404, reason="NotFound", target=Key(STAGE, "a", "b")),
            Code.VALIDATION_FAILED,
            "gone",
        ),
        (
            NotFound("404 page not found", status=404, target=DEPLOYMENT),
            Code.VALIDATION_FAILED,
            "404",
        ),
        (TooManyRequests("slow", status=429), Code.OVERLOAD, "overloaded"),
        (Unavailable("etcd", status=500), Code.SERVER_FAILURE, "can't answer right now"),
        (ApiError("odd", status=418), Code.VALIDATION_FAILED, "odd"),
        (RuntimeError("oh"), Code.SERVER_FAILURE, "setops has a bug: RuntimeError: oh"),
    ],
)
def test_each_trouble_has_a_sentence_of_its_own(error: Exception, code: Code, words: str) -> None:
    found = problem_of(error)
    assert found.code is code
    assert words in found.message
    assert (found.category is Category.FAULT) is (code in (Code.SERVER_FAILURE, Code.OVERLOAD))
