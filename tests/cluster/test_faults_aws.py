"""The operator is killed, or AWS fails it, at every call of a bucket's life: it ends the same.

AWS is an emulator that checks signatures and IAM policies. A life is a Service here. Calls of one
Service follow one another, so a kill after the N-th took effect is also one before the N+1st did;
by default and always there is a life that is killed after its N-th call for every N of a creation,
and of a deletion with `Delete` and with `Retain`, and one whose N-th answer is lost for every N of
a creation.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from sandbox import Sandbox, ports
from sandbox.proxy import Delay, Fail, Proxy, Request
from setops.aws.identity import Identity
from setops.aws.naming import resource_name
from setops.aws.target import Account
from tests.cluster.aws import emulator
from tests.cluster.aws.story import Root, app
from tests.cluster.faults import Fault, Faults, Life, restart
from tests.cluster.witness import Witness, by_services
from tests.cluster.world import World, manifest, organization

ACCOUNT: Final = "999999999999"
REGION: Final = "eu-central-1"
PATIENCE: Final = 120.0
STAGE: Final = "faulty-live"

Done = Callable[[Life, set[str], set[str]], bool]
"""Whether a life is where it should be, given the names of the ready Services and of all."""

SLOW_DOWN: Final = b"<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>"


@dataclass
class Arena:
    """The operator between proxies, a Stage for Services, and AWS as its owner sees it."""

    world: World
    api: Proxy
    aws: Proxy
    root: Root

    def watch(self, lives: Sequence[Life]) -> None:
        """From now on the proxies count and break the calls of these Services to AWS."""
        self.aws.rule = Faults(lives, lambda _: True)
        self.api.rule = Faults(lives, lambda _: False)

    def create(self, lives: Sequence[Life]) -> None:
        self.world.apply(*(service(life) for life in lives))

    def delete(self, lives: Sequence[Life]) -> None:
        self.world.delete("ssvc", *(life.name for life in lives), namespace=STAGE)

    def until(self, holds: Callable[[], bool], what: Callable[[], str]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > deadline:
                last = "\n".join(self.world.operator.log.splitlines()[-30:])
                raise AssertionError(f"{what()}\n{last}")
            time.sleep(0.3)

    def settle(
        self, lives: Sequence[Life], done: Callable[[Life, set[str], set[str]], bool]
    ) -> None:
        """Wait until something holds for all lives."""
        late: list[Life] = []

        def holds() -> bool:
            found = self.world.list("ssvc", STAGE)
            names = {each["metadata"]["name"] for each in found}
            ready = {each["metadata"]["name"] for each in found if is_ready(each)}
            late[:] = [life for life in lives if not done(life, ready, names)]
            return not late

        self.until(holds, lambda: "not done: " + "; ".join(map(str, late)))

    def kill(self) -> None:
        self.aws.rule = self.api.rule = None
        restart(self.world)

    def link(self, life: Life) -> str | None:
        """What an App gets; None when there is no Secret."""
        secret = self.world.get("secrets", f"service-{life.name}", STAGE)
        return None if secret is None else base64.b64decode(secret["data"]["url"]).decode()


def service(life: Life, namespace: str = STAGE) -> dict[str, Any]:
    return manifest("Service", life.name, {"type": "s3", "deletionPolicy": policy(life)}, namespace)


def policy(life: Life) -> str:
    """Half of the lives end by Delete, half by Retain."""
    return "Retain" if int(life.name[-1]) % 2 else "Delete"


def bucket(life: Life) -> str:
    """The name of its bucket and of its user."""
    return resource_name(Identity.of_service("aws", "faulty", "live", life.name), 63)


def is_ready(obj: dict[str, Any]) -> bool:
    conditions = obj.get("status", {}).get("conditions", ())
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


@pytest.fixture(scope="module")
def arena(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    directory = tmp_path_factory.mktemp("emulator")
    with (
        emulator.running(directory) as url,
        Proxy(sandbox.server, sandbox.authority) as api,
        Proxy(url, directory / "server.crt", rule=Witness(by_services(sandbox.api()))) as seen,
        Proxy(seen.url) as aws,
        sandbox.operator(
            values={"lease": {"duration": 60, "renewDeadline": 40}},
            extra_environment={
                "AWS_ENDPOINT_URL": aws.url,
                "AWS_ACCESS_KEY_ID": ACCOUNT,
                "AWS_SECRET_ACCESS_KEY": emulator.SECRET,
            },
            api_proxy=api.url,
        ) as operator,
    ):
        world = World(sandbox, operator)
        root = Root(Account(ACCOUNT, REGION, endpoint_url=aws.url))
        _stage(world, "aws", "faulty")
        yield Arena(world, api, aws, root)
        api.rule = aws.rule = None
        # The emulator ends with these tests: what it has must go before.
        world.delete_all(world.list("ssvc", STAGE))
        world.until(lambda: not world.list("ssvc", STAGE), "the end of all Services")
        world.delete("project.setops.co", "faulty", "remote")
        assert isinstance(seen.rule, Witness)
        assert seen.rule.seen
        assert not seen.rule.unexplained


def _stage(world: World, owner: str, project: str, **aws: str) -> None:
    """A Project with Stage `live` in an Organization of its own."""
    account = {"accountId": ACCOUNT, "region": REGION, **aws}
    world.apply(
        organization(owner, aws=account), manifest("Project", project, {"organization": owner})
    )
    world.wait("project.setops.co", project)
    world.apply(manifest("Stage", "live", {}, project))
    world.wait("sstage", "live", project)


@dataclass(frozen=True)
class Undisturbed:
    """How many calls a creation takes, and the deletions by policy."""

    creation: int
    deletion: dict[str, int]


@pytest.fixture(scope="module")
def undisturbed(arena: Arena) -> Undisturbed:
    lives = [Life("lifeu0"), Life("lifeu1")]
    arena.watch(lives)
    arena.create(lives)
    arena.settle(lives, lambda life, ready, _: life.name in ready)
    creation = max(len(life.requests) for life in lives)
    fill(arena, lives)
    # Changes of the Service's own objects start a further look at AWS, which has to be over.
    counts: list[int] = []
    while len(counts) < 2 or counts[-1] != counts[-2]:
        counts.append(sum(len(life.requests) for life in lives))
        time.sleep(0.5)
    for life in lives:
        life.aim(None, 0)
    arena.delete(lives)
    arena.settle(lives, lambda life, _, names: life.name not in names)
    check_gone(arena, lives)
    return Undisturbed(creation, {policy(life): len(life.requests) for life in lives})


def fill(arena: Arena, lives: Sequence[Life]) -> None:
    """Put an object into each bucket, as an App does, which proves that the link works."""
    for life in lives:
        url = arena.link(life)
        assert url is not None, life
        s3, name = app(url)
        assert name == bucket(life)
        s3.put_object(Bucket=name, Key="data", Body=b"kept?")


def check_made(arena: Arena, lives: Sequence[Life]) -> None:
    """One bucket, one user, one key, which the Secret holds and AWS takes."""
    fill(arena, lives)
    users = arena.root.users()
    for life in lives:
        assert users.count(bucket(life)) == 1, life
        secret = arena.world.get("secrets", f"service-{life.name}", STAGE)
        assert secret is not None
        held = base64.b64decode(secret["data"]["accessKeyId"]).decode()
        assert arena.root.keys(bucket(life)) == [held], life


def check_gone(arena: Arena, lives: Sequence[Life]) -> None:
    """No user, no Secret; a bucket with its data only where it is to be retained."""
    arena.until(
        lambda: all(arena.link(life) is None for life in lives), lambda: "Secrets are left over"
    )
    buckets, users = arena.root.buckets(), arena.root.users()
    for life in lives:
        assert bucket(life) not in users, life
        assert (bucket(life) in buckets) == (policy(life) == "Retain"), life
        if policy(life) == "Retain":
            found = arena.root.s3.get_object(Bucket=bucket(life), Key="data")
            assert found["Body"].read() == b"kept?", life


def test_a_kill_at_any_call_leaves_one_bucket_one_user_and_one_key_and_after_deletion_nothing(
    arena: Arena, undisturbed: Undisturbed
) -> None:
    count = max(undisturbed.creation, *(2 * calls for calls in undisturbed.deletion.values()))
    lives = [Life(f"lifek{number}") for number in range(count)]
    for number, life in enumerate(lives):
        life.aim(Fault.KILL_AFTER, number % undisturbed.creation + 1)
    arena.watch(lives)
    arena.create(lives)
    arena.settle(lives, lambda life, ready, _: life.frozen or life.name in ready)
    arena.kill()
    arena.settle(lives, lambda life, ready, _: life.name in ready)
    check_made(arena, lives)

    turns = {"Delete": 0, "Retain": 0}
    for life in lives:
        turns[policy(life)] += 1
        calls = undisturbed.deletion[policy(life)]
        life.aim(Fault.KILL_AFTER, (turns[policy(life)] - 1) % calls + 1)
    arena.watch(lives)
    arena.delete(lives)
    arena.settle(lives, lambda life, _, names: life.frozen or life.name not in names)
    arena.kill()
    arena.settle(lives, lambda life, _, names: life.name not in names)
    check_gone(arena, lives)


def test_an_answer_that_is_lost_at_any_call_leaves_the_same(
    arena: Arena, undisturbed: Undisturbed
) -> None:
    lives = [Life(f"lifel{number}") for number in range(undisturbed.creation)]
    for number, life in enumerate(lives):
        life.aim(Fault.LOST, number + 1)
    arena.watch(lives)
    arena.create(lives)
    arena.settle(lives, lambda life, ready, _: life.name in ready)
    check_made(arena, lives)


def test_a_throttled_service_says_so_and_recovers(arena: Arena) -> None:
    life = Life("lifet0")

    def slow(request: Request) -> Fail | None:
        headers = {"Content-Type": "application/xml"}
        return Fail(503, SLOW_DOWN, headers) if bucket(life) in request.path else None

    arena.aws.rule = slow
    arena.create([life])
    said = arena.world.says("ssvc", life.name, STAGE, "Reconciling", "AwsWaiting")
    assert "SlowDown" in said or "asked for fewer calls" in said
    assert not arena.world.holds("ssvc", life.name, STAGE, "Stalled")
    arena.aws.rule = None
    arena.world.wait("ssvc", life.name, STAGE)
    check_made(arena, [life])


def test_late_answers_only_take_longer(arena: Arena) -> None:
    life = Life("lifes0")
    arena.aws.rule = lambda request: Delay(1) if request.method == "PUT" else None
    arena.create([life])
    arena.world.wait("ssvc", life.name, STAGE)
    arena.aws.rule = None
    check_made(arena, [life])


def test_an_endpoint_that_refuses_connections_is_named_until_it_answers(arena: Arena) -> None:
    port = ports.choose(["aws"])["aws"]
    _stage(arena.world, "remote", "remote", endpointUrl=f"http://127.0.0.1:{port}")
    life = Life("lifer0")
    arena.world.apply(service(life, "remote-live"))
    said = arena.world.says("ssvc", life.name, "remote-live", "Reconciling", "AwsUnreachable")
    assert f"127.0.0.1:{port}" in said
    assert "tried again by itself" in said
    with Proxy(arena.aws.url, port=port):
        arena.world.wait("ssvc", life.name, "remote-live")
        arena.world.delete("ssvc", life.name, namespace="remote-live")
        arena.world.gone("ssvc", life.name, "remote-live")
    with pytest.raises(ClientError, match="404"):
        arena.root.s3.head_bucket(
            Bucket=resource_name(Identity.of_service("remote", "remote", "live", life.name), 63)
        )
