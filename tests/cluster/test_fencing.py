"""A leader that was stopped past its Lease, and goes on while another leads, writes nothing."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pytest

from sandbox import Sandbox
from sandbox.operator_process import Operator
from sandbox.proxy import Proxy, Record
from setops.aws.api_use import is_read
from tests.cluster.world import World, manifest

ROUNDS: Final = 3
LEASE: Final = {"lease": {"duration": 4, "renewDeadline": 3, "retryPeriod": 0.3}}
LOAD: Final = 8
"""So many Apps and buckets are new in each round."""


@dataclass
class Replica:
    """An operator with a proxy before each API, which tell what it alone has asked."""

    operator: Operator
    api: Proxy
    aws: Proxy

    @property
    def leads(self) -> bool:
        with contextlib.suppress(OSError):
            return "setops_leader 1.0" in self.operator.metrics()
        return False

    def writes(self, since: float) -> list[str]:
        """What it has written after a moment, but for Leases, which their version guards."""
        kubernetes = [each for each in self.api.records if _changes_cluster(each)]
        at_aws = [each for each in self.aws.records if _changes_aws(each)]
        return [str(each) for each in (*kubernetes, *at_aws) if each.started > since]


def _changes_cluster(record: Record) -> bool:
    return record.is_write and "/leases/" not in record.request.path


def _changes_aws(record: Record) -> bool:
    if not record.is_write:
        return False
    action = re.search(rb"Action=(\w+)", record.request.body)
    return action is None or not is_read(action[1].decode())


@pytest.fixture(scope="module")
def replicas() -> Iterator[tuple[World, list[Replica]]]:
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox.start())
        made: list[Replica] = []
        for name in ("first", "second"):
            api = stack.enter_context(Proxy(sandbox.server, sandbox.authority))
            aws = stack.enter_context(Proxy(sandbox.aws_endpoint, sandbox.authority))
            operator = stack.enter_context(
                sandbox.operator(
                    values=LEASE,
                    api_proxy=api.url,
                    extra_environment={"AWS_ENDPOINT_URL": aws.url, "SETOPS_IDENTITY": name},
                    name=name,
                )
            )
            made.append(Replica(operator, api, aws))
        yield World(sandbox, made[0].operator), made


def _new(namespace: str, number: int) -> list[Mapping[str, object]]:
    apps = [
        manifest("App", f"web{number}x{each}", {"image": "registry.example.com/web:1"}, namespace)
        for each in range(LOAD)
    ]
    buckets = [
        manifest(
            "Service",
            f"files{number}x{each}",
            {"type": "s3", "deletionPolicy": "Delete"},
            namespace,
        )
        for each in range(LOAD)
    ]
    return [each for pair in zip(apps, buckets, strict=True) for each in pair]


def test_who_was_stopped_past_its_lease_writes_nothing(
    replicas: tuple[World, list[Replica]],
) -> None:
    world, both = replicas
    namespace = world.stage()
    chance = random.Random(12)  # noqa: S311 - any order will do
    for number in range(ROUNDS):
        world.until(lambda: any(each.leads for each in both), "a leader")
        leader, other = sorted(both, key=lambda each: not each.leads)
        _stop_and_wake(world, leader, other, namespace, number, chance.uniform(0.0, 0.5))
        world.wait("sapp", f"web{number}x{LOAD - 1}", namespace)
        world.wait("ssvc", f"files{number}x{LOAD - 1}", namespace)
        leader.operator.start()
        leader.operator.wait_ready()


def _stop_and_wake(
    world: World, leader: Replica, other: Replica, namespace: str, number: int, after: float
) -> None:
    begun = time.monotonic()
    world.apply(*(dict(each) for each in _new(namespace, number)))
    time.sleep(after)
    os.kill(leader.operator.pid, signal.SIGSTOP)
    assert leader.writes(begun), "it was stopped in the middle of its work"
    world.until(lambda: other.leads, "the successor")
    woken = time.monotonic()
    os.kill(leader.operator.pid, signal.SIGCONT)
    assert leader.operator.wait_exit() != 0
    assert leader.writes(woken) == []
