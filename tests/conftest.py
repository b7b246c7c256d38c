"""What all tests share: one control plane, and the rule that CI skips nothing."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator, Iterator

import pytest

from sandbox import Sandbox
from sandbox.proxy import Proxy
from tests.cluster.witness import Witness, by_services

# The control planes of all workers together take most of the machine, and a good part of that went
# into collecting garbage early.
os.environ.setdefault("GOGC", "400")

_LONGEST = (
    "test_faults_commit",
    "test_faults_kubernetes",
    "test_plan_is_commit",
    "test_concurrency",
    "test_faults_databases",
    "test_databases",
    "test_database_commits",
    "test_postgresql",
    "test_database_deletion",
    "test_faults_aws",
    "test_database_accounts",
    "test_revisions",
    "test_changesets",
    "test_restart",
    "test_bad_input",
)
"""Modules that take a minute or more, the longest first."""

_WORTH_NAMING = 10.0
"""Seconds from which a module is named among the slowest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it at the end."""
    rank = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A real control plane with the AWS emulator, for the whole run; tests clean up after them.

    No operator in it deletes data at AWS that nobody has given up.
    """
    with Sandbox.start() as started:
        witness = Witness(by_services(started.api()))
        with Proxy(started.aws_endpoint, rule=witness) as aws:
            started.aws_proxy = aws.url
            yield started
        assert not witness.unexplained


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that is skipped has failed: it proved nothing."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the modules that took longest; what they do in that time is said in their docstrings."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    slowest = sorted(seconds.items(), key=lambda item: -item[1])[:10]
    slow = [(module, took) for module, took in slowest if took >= _WORTH_NAMING]
    if slow:
        terminalreporter.section("slowest modules")
        for module, took in slow:
            terminalreporter.line(f"{took:7.1f} s  {module}")
