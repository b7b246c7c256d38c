"""Services that wait for AWS: what their waiting costs, and whether one account holds up others.

The emulator makes a database at once; a proxy in front of it shows each as `creating` for as long
as is measured.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import parse_qs

from bench import work
from bench.figures import Figure
from bench.lab import VALUES, Lab, in_parallel
from bench.process import Process
from sandbox import Sandbox
from sandbox.proxy import Action, Fail, Proxy, Request, Rewrite
from setops.api.conditions import ConditionType, is_true
from setops.api.kinds import SERVICE, STAGE, Object
from setops.kube.connection import connect

_WINDOW: Final = 30.0
_READY: Final = b"<DBInstanceStatus>available</DBInstanceStatus>"
_CREATING: Final = b"<DBInstanceStatus>creating</DBInstanceStatus>"
_POLL: Final = "DescribeDBInstances"
_CALLS_TARGET: Final = 5.0
"""AWS calls for each look at an account's databases: instances, subnet groups, parameter groups and
security groups, and some for what else there is to say."""
_ACCOUNTS: Final = 20
_BESIDE_TARGET: Final = 1.5
_THROTTLED: Final = (
    b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error>"
    b"</ErrorResponse>"
)


async def run(quick: bool) -> list[Figure]:
    """10, 50 and 200 databases that wait, or few for a quick look; and 20 accounts."""
    counts = (5, 10) if quick else (10, 50, 200)
    accounts = 4 if quick else _ACCOUNTS
    window = 10.0 if quick else _WINDOW
    figures: list[Figure] = []
    async with _lab() as (lab, aws):
        await lab.project()
        process = Process(lab.operator)
        for count in counts:
            figures += await _waiting(lab, aws, process, count, window)
        aws.rule = None
        figures += await _beside(lab, aws, accounts)
    return figures


@asynccontextmanager
async def _lab() -> AsyncIterator[tuple[Lab, Proxy]]:
    """A control plane with an operator whose calls to AWS go through the proxy."""
    with Sandbox.start() as sandbox, Proxy(sandbox.aws_endpoint) as aws:
        environment = {"AWS_ENDPOINT_URL": aws.url}
        with sandbox.operator(values=VALUES, extra_environment=environment) as operator:
            connection = await connect(str(sandbox.kubeconfig))
            try:
                yield Lab(sandbox, operator, connection), aws
            finally:
                aws.rule = None
                await connection.close()


def _held(request: Request) -> Action | None:
    """Shows every database as one that is being created."""
    if _operation(request) != _POLL:
        return None
    return Rewrite(lambda body: body.replace(_READY, _CREATING))


def _operation(request: Request) -> str:
    """The operation of AWS's query protocol; of S3's, the method."""
    return parse_qs(request.body.decode(errors="replace")).get("Action", [request.method])[0]


async def _waiting(
    lab: Lab, aws: Proxy, process: Process, count: int, window: float
) -> list[Figure]:
    stage = f"wait{count}"
    await lab.ready(work.stage(stage))
    namespace = work.namespace_of(stage)
    aws.rule = _held
    await in_parallel(
        lab.client.apply(work.database(namespace, f"db-{number}")) for number in range(count)
    )
    await lab.until(lambda: _all_in(lab, namespace, count, "creating"), f"{count} to be created")
    await asyncio.sleep(5)
    aws.records.clear()
    cpu = process.cpu
    await asyncio.sleep(window)
    used = (process.cpu - cpu) / window
    calls = Counter(_operation(record.request) for record in aws.records)
    memory = process.memory
    aws.rule = None
    await lab.until(lambda: _all_in(lab, namespace, count, "available"), f"{count} to be ready")
    polls = max(calls[_POLL], 1)
    print(
        f"  {count} databases wait: {calls.total()} AWS calls in {window:.0f} s, {polls} polls; "
        f"{used * 100:.1f} % of a CPU; memory {memory:.0f} MiB",
        flush=True,
    )
    waits = f"while {count} databases are created"
    return [
        Figure(f"AWS calls {waits}", calls.total() / polls, "for each poll", _CALLS_TARGET),
        Figure(f"AWS calls {waits}", calls.total() / window * 60, "in a minute"),
        Figure(f"CPU {waits}", used * 100, "% of one"),
        Figure(f"memory {waits}", memory, "MiB"),
    ]


async def _all_in(lab: Lab, namespace: str, count: int, state: str) -> bool:
    found = await lab.client.list(SERVICE, namespace)
    states = Counter((each.get("status") or {}).get("state") for each in found)
    return states[state] == count


async def _beside(lab: Lab, aws: Proxy, accounts: int) -> list[Figure]:
    """Buckets in many accounts, without and then with one among them that throttles everything."""
    with Proxy(lab.sandbox.aws_endpoint) as throttled:
        names = [f"acc{number}" for number in range(accounts)]
        for number, name in enumerate(names):
            url = throttled.url if number == 0 else aws.url
            owner, project = work.account(name, f"{number + 1:012}", url)
            await lab.client.apply(owner)
            await lab.ready(project)
        await in_parallel(lab.ready(work.manifest(STAGE, "live", {}, name)) for name in names)
        calm = await _buckets(lab, names[1:], "calm")
        throttled.rule = lambda _: Fail(400, _THROTTLED, {"Content-Type": "text/xml"})
        for number in range(10):
            await lab.client.apply(work.bucket(f"{names[0]}-live", f"slow-{number}"))
        beside = await _buckets(lab, names[1:], "beside")
        throttled.rule = None
    print(
        f"  a bucket in each of {accounts - 1} accounts: {calm:.2f} s; beside one that throttles "
        f"{beside:.2f} s",
        flush=True,
    )
    name = f"buckets in {accounts - 1} accounts, beside one that throttles"
    return [Figure(name, beside / calm, "of the time without it", _BESIDE_TARGET)]


async def _buckets(lab: Lab, projects: Iterable[str], name: str) -> float:
    """The seconds until a bucket of this name is ready in each Project's Stage."""
    made: list[Object] = [work.bucket(f"{project}-live", name) for project in projects]
    started = time.monotonic()
    await in_parallel(lab.client.apply(obj) for obj in made)

    async def all_ready() -> bool:
        found = await lab.client.list(SERVICE)
        ready = [
            each
            for each in found
            if each["metadata"]["name"] == name
            and is_true(each.get("status"), ConditionType.READY, each["metadata"]["generation"])
        ]
        return len(ready) == len(made)

    await lab.until(all_ready, "all buckets to be ready", poll=0.1)
    return time.monotonic() - started
