"""The loop that reconcilers run, with a Secret in memory, and a look at what AWS then holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from mypy_boto3_iam import IAMClient
from mypy_boto3_s3 import S3Client

from setops.api.service_type import DeletionPolicy
from setops.aws import converge
from setops.aws.clients import Clients
from setops.aws.composite import Composite
from setops.aws.decide import Act, Action
from setops.aws.gateway import Gateway
from setops.aws.observation import Observation
from setops.aws.products import PRODUCTS
from setops.aws.registry import Registry
from setops.aws.target import Account, Asking, Target
from tests.cluster.aws import emulator

POLICIES: dict[str, DeletionPolicy] = {}
"""What is wanted at this moment of the data of each bucket and instance, by its name."""


def explained(name: str) -> bool:
    """Whether the data of a bucket or an instance may go for good."""
    return POLICIES.get(name) is DeletionPolicy.DELETE


@dataclass
class Operator:
    """Runs the loop until nothing more is to be done. `secret` is the Secret in Kubernetes."""

    clients: Clients
    target: Target
    secret: dict[str, str] = field(default_factory=dict)
    products: Registry = PRODUCTS
    acts: list[Action] = field(default_factory=list)
    cluster: str = ""

    def create(self) -> list[Action]:
        """All actions that led to the Service as it is wanted, the last one being what remains."""
        return self._run(converge.keep)

    def delete(self) -> list[Action]:
        return self._run(converge.remove)

    def observe(self) -> Observation:
        return asyncio.run(self.gateway().observe(self._target()))

    def gateway(self) -> Gateway:
        return Gateway(self.clients, self.products, cluster=self.cluster)

    def composite(self, **changes: Any) -> Composite:
        """The Service without the loop."""
        target = replace(self._target(), **changes)
        target = replace(target, identity=replace(target.identity, cluster=self.cluster))
        product = self.products.of(target.type, target.plan)
        return Composite(product, self.clients.of(target.account), target)

    def ids(self) -> Mapping[str, str]:
        return self.gateway().ids(self.target)

    def connection(self) -> dict[str, str]:
        return dict(self.gateway().connection(self._target(), self.observe()))

    async def before(self, act: Act) -> None:
        self.acts.append(act)

    async def store(self, connection: Mapping[str, str]) -> None:
        self.secret = dict(connection)

    async def keep_asked(self, asked: Sequence[Asking]) -> None:
        """Nothing is kept: each run asks anew."""

    def _run(self, loop: Callable[..., Awaitable[converge.Settled]]) -> list[Action]:
        self.acts = []

        async def run() -> Action:
            return (await loop(self.gateway(), self._target(), self)).end

        end = asyncio.run(run())
        return [*self.acts, end]

    def _target(self) -> Target:
        for name in self.ids().values():
            POLICIES[name] = self.target.deletion_policy
        return replace(self.target, credentials=self.secret)


@dataclass(frozen=True)
class Root:
    """An account as its owner sees it, without any code of ours."""

    account: Account

    @cached_property
    def s3(self) -> S3Client:
        return boto3.client("s3", **self._how())

    @cached_property
    def iam(self) -> IAMClient:
        return boto3.client("iam", **self._how())

    def buckets(self) -> list[str]:
        return [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]

    def users(self) -> list[str]:
        return [user["UserName"] for user in self.iam.list_users()["Users"]]

    def keys(self, user: str) -> list[str]:
        found = self.iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
        return [key["AccessKeyId"] for key in found]

    def _how(self) -> Any:
        return {
            "region_name": self.account.region,
            "endpoint_url": self.account.endpoint_url,
            **emulator.credentials(self.account.account_id),
        }


def app(url: str) -> tuple[S3Client, str]:
    """An App's client, made from nothing but the link's value, and the bucket it may use."""
    parts = urlsplit(url)
    assert parts.scheme == "s3"
    query = parse_qs(parts.query)
    client = boto3.client(
        "s3",
        region_name=query["region"][0],
        endpoint_url=query["endpoint"][0],
        aws_access_key_id=unquote(parts.username or ""),
        aws_secret_access_key=unquote(parts.password or ""),
    )
    return client, parts.hostname or ""


class KilledError(BaseException):
    """The operator's process ends here."""


@dataclass
class Faults:
    """Counts the calls that change something, or all calls, and breaks the n-th, once it worked.

    What AWS holds after a kill differs only by the changes before it, so a kill after each change
    covers a kill at any point.
    """

    at: int
    error: BaseException
    reads: bool = False
    calls: list[str] = field(default_factory=list)

    def __call__(self, event_name: str, **_: object) -> None:
        call = event_name.split(".", 1)[1]
        if self.reads or not call.split(".")[1].startswith(("Describe", "Get", "List")):
            self.calls.append(call)
            if len(self.calls) == self.at:
                raise self.error

    @property
    def struck(self) -> bool:
        return len(self.calls) >= self.at


@contextmanager
def hooked(
    clients: Clients, account: Account, event: str, handler: Callable[..., Any]
) -> Iterator[None]:
    """Adds a handler for an event of botocore to the account's clients."""
    made = clients.of(account)
    names = ("s3", "iam", "rds", "ec2", "sqs")
    emitters = [made.client(each).meta.events for each in names]
    for emitter in emitters:
        emitter.register_first(event, handler)
    try:
        yield
    finally:
        for emitter in emitters:
            emitter.unregister(event, handler)


@contextmanager
def recorded(clients: Clients, account: Account) -> Iterator[list[str]]:
    """The names of the operations that are called."""
    calls: list[str] = []

    def record(model: Any, **_: object) -> None:
        calls.append(model.name)

    with hooked(clients, account, "before-call", record):
        yield calls
