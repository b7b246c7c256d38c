"""AWS isn't asked twice for what it has accepted, unless an hour has passed or it was done.

The loop that reconcilers run works on parts that live in memory, by a clock that the tests turn: a
look now and then, for hours. AWS accepts each call and then behaves in odd ways.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, cast

import pytest

from setops.api.service_type import DeletionPolicy
from setops.aws import converge
from setops.aws.api_use import ApiUse
from setops.aws.clients import AccountClients, Clients, ClientSettings
from setops.aws.decide import Act, Done, End, Refuse, Wait
from setops.aws.errors import AwsError, StalledError
from setops.aws.gateway import Gateway
from setops.aws.identity import Identity
from setops.aws.observation import Activity, Found, Observation, PartStatus
from setops.aws.part import Field, Issuer, Part
from setops.aws.product import Assembly, Product
from setops.aws.registry import Registry
from setops.aws.target import Account, Asking, Target

ACCOUNT: Final = Account("111111111111", "eu-central-1")
OURS: Final = Identity.of_service("acme", "shop", "live", "data")
TARGET: Final = Target(ACCOUNT, OURS, "box", deletion_policy=DeletionPolicy.DELETE)
MINUTE: Final = 60
HOUR: Final = 3600
LOOK: Final = 20
"""Seconds between two looks at what AWS is at work on."""


@dataclass
class Cloud:
    """What AWS holds, the calls that it accepted with their times, and how it behaves.

    `busy` is for how many seconds it shows that it has begun; then it falls back if it `gives_up`.
    `ignores` are the calls that it accepts and forgets, `steps` the calls that a deletion takes.
    """

    now: float = 0.0
    there: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[float, str]] = field(default_factory=list)
    ignores: frozenset[str] = frozenset()
    gives_up: bool = False
    busy: float = 0.0
    busy_until: float = -1.0
    steps: int = 1
    keys: list[str] = field(default_factory=list)
    refused: frozenset[str] = frozenset()

    def call(self, name: str) -> bool:
        """Take a call; whether it is to take effect."""
        if name.split()[0] in self.refused:
            raise StalledError(f"{name} is refused", code="AccessDenied")
        self.calls.append((self.now, name))
        self.busy_until = self.now + self.busy
        return name.split()[0] not in self.ignores and not self.gives_up

    def times(self, name: str) -> list[float]:
        """When a call came."""
        return [at for at, each in self.calls if each == name]


@dataclass(frozen=True)
class Box(Issuer):
    """A box in memory with two fields. The word `slow` in it means: AWS deletes it in its time."""

    kind: ClassVar[str] = "box"
    label: ClassVar[str] = "box"
    api: ClassVar[ApiUse] = ApiUse("memory", ())

    cloud: Cloud
    color: str
    slow: bool

    def find(self) -> Found | None:
        return dict(self.cloud.there) if self.cloud.there else None

    def tags(self, found: Found) -> Mapping[str, str]:  # noqa: ARG002
        return OURS.tags()

    def create(self, ids: Mapping[str, str]) -> Found | None:  # noqa: ARG002
        made = {"color": self.color, "size": 1}
        if self.cloud.call("create"):
            self.cloud.there.update(made)
        return made

    def status(self, found: Found) -> PartStatus:  # noqa: ARG002
        busy = self.cloud.now < self.cloud.busy_until
        activity = Activity.BUSY if busy else Activity.STEADY
        return PartStatus(
            activity, "modifying" if busy else "available", arn="box", lasts=self.slow
        )

    def fields(self, found: Found, ids: Mapping[str, str]) -> Iterable[Field]:  # noqa: ARG002
        yield Field("box.color", self.color, found["color"])
        yield Field("box.size", 2, found["size"])

    def put(self, found: Found, fields: Sequence[Field]) -> Iterator[str]:  # noqa: ARG002
        for each in fields:
            name = each.path.partition(".")[2]
            if self.cloud.call(f"{name} {each.wanted}"):
                self.cloud.there[name] = each.wanted
            yield each.path

    def delete(self, found: Found) -> bool:  # noqa: ARG002
        is_last = self.cloud.steps == 1
        if self.cloud.call("delete"):
            self.cloud.steps -= 1
        if self.cloud.steps <= 0:
            self.cloud.there.clear()
        return is_last and not self.slow

    def accepts(self, found: Found, credentials: Mapping[str, str]) -> bool:  # noqa: ARG002
        return credentials.get("key") in self.cloud.keys

    def is_revoked(self, found: Found) -> bool:
        return bool(found.get("locked"))

    def revoke(self, found: Found) -> None:  # noqa: ARG002
        if self.cloud.call("revoke"):
            self.cloud.there["locked"] = True

    def issue(self, credentials: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002
        made = f"key {len(self.cloud.calls)}"
        if self.cloud.call("issue"):
            self.cloud.keys.append(made)
        return {"key": made}


class Boxes(Product):
    """The product `box`. The plan is the color."""

    type_name: ClassVar[str] = "box"
    noun: ClassVar[str] = "a box"
    part_types: ClassVar[tuple[type[Part], ...]] = ()
    part_keys: ClassVar[tuple[str, ...]] = ("box",)
    policies = tuple(DeletionPolicy)

    def __init__(self, cloud: Cloud, *, slow: bool) -> None:
        self.cloud, self.slow = cloud, slow

    def name(self, target: Target, key: str) -> str:  # noqa: ARG002
        return key

    def assemble(self, clients: AccountClients, target: Target, main: Found | None) -> Assembly:  # noqa: ARG002
        box = Box("box", OURS, self.cloud, target.plan or "red", self.slow)
        return Assembly((box,), box)

    def connection(self, target: Target, observation: Observation) -> Mapping[str, str]:  # noqa: ARG002
        return {**target.credentials, "url": "made of them"}


class Sts:
    """The account answers; nothing else is called through clients."""

    settings = ClientSettings(inventory_spacing=0)

    def of(self, _: Account) -> Sts:
        return self

    def client(self, _: str) -> Sts:
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": ACCOUNT.account_id}

    async def call(self, _: Account, fn: Callable[[], Any]) -> Any:
        return fn()


class Operator:
    """Runs the loop again and again, as the reconciler does.

    Its process `restarts` before each look, or never.
    """

    def __init__(self, cloud: Cloud, *, slow: bool = False, stores: bool = True) -> None:
        self.cloud = cloud
        self.restarts = False
        self.stores = stores
        self.secret: Mapping[str, str] = {}
        self.registry = Registry([Boxes(cloud, slow=slow)])
        self.restart()
        self.target = TARGET
        self.asked: Sequence[Asking] = ()

    def restart(self) -> None:
        """Forget all that isn't stored. The monotonic clock of a new process begins anywhere."""
        offset = self.cloud.now * 7
        self.gateway = Gateway(
            cast(Clients, Sts()),
            self.registry,
            lambda: self.cloud.now - offset,
            lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.cloud.now),
        )

    async def before(self, act: Act) -> None:
        """Nothing is to be said."""

    async def store(self, connection: Mapping[str, str]) -> None:
        if self.stores:
            self.secret = dict(connection)

    async def keep_asked(self, asked: Sequence[Asking]) -> None:
        self.asked = asked

    def look(self, deleting: bool = False) -> End | AwsError:
        """One pass of the reconciler, and the time until the next one."""
        if self.restarts:
            self.restart()
        target = replace(self.target, credentials=self.secret, asked=tuple(self.asked))
        loop = converge.remove if deleting else converge.keep
        try:
            end = asyncio.run(cast(Any, loop)(self.gateway, target, self)).end
        except (StalledError, converge.UnsettledError) as error:
            return error
        finally:
            self.asked = self.gateway.asked(target)
            self.cloud.now += LOOK
        return cast(End, end)

    def goes_on(self, seconds: float, deleting: bool = False) -> End | AwsError:
        """Look again and again for so long; how the last look ended."""
        until = self.cloud.now + seconds
        while True:
            end = self.look(deleting)
            if self.cloud.now >= until:
                return end


def ready(cloud: Cloud, **how: bool) -> Operator:
    """A Service that is as wanted."""
    operator = Operator(cloud, **how)
    assert operator.look() == Done()
    cloud.calls.clear()
    return operator


CHANGES: Final[dict[str, dict[str, Any]]] = {
    "it accepts the change and forgets it": {"ignores": frozenset({"color"})},
    "it begins, is away for minutes, and falls back": {"gives_up": True, "busy": 4 * MINUTE},
    "it begins, is away for long, and falls back": {"gives_up": True, "busy": 25 * MINUTE},
    "it begins and falls back at once": {"gives_up": True, "busy": 1},
    "it forgets the change and refuses another one": {
        "ignores": frozenset({"color"}),
        "refused": frozenset({"size"}),
    },
    "it begins and falls back between two looks": {"gives_up": True, "busy": LOOK},
}


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("behaviour", CHANGES.values(), ids=CHANGES)
def test_a_change_that_comes_to_nothing_is_asked_for_once_an_hour(
    behaviour: dict[str, Any], restarts: bool
) -> None:
    cloud = Cloud()
    operator = ready(cloud)
    operator.restarts = restarts
    for name, value in behaviour.items():
        setattr(cloud, name, value)
    operator.target = replace(TARGET, plan="blue")
    operator.goes_on(9 * MINUTE)
    assert len(cloud.times("color blue")) == 1
    end = operator.goes_on(50 * MINUTE)
    assert isinstance(end, Refuse | Wait)
    assert len(cloud.times("color blue")) == 1
    operator.goes_on(3 * HOUR - 59 * MINUTE)
    times = cloud.times("color blue")
    assert 2 + (not restarts) <= len(times) <= 4
    assert all(later - earlier >= HOUR for earlier, later in itertools.pairwise(times))


@pytest.mark.parametrize(
    ("minutes", "restarts"), [(59, False), (61, False), (70, False), (130, False), (70, True)]
)
@pytest.mark.parametrize("deleting", [False, True])
def test_the_hour_begins_when_aws_has_given_up(
    minutes: int, deleting: bool, restarts: bool
) -> None:
    """An upgrade of a large database may take AWS hours before it falls back."""
    cloud, name = Cloud(), "delete" if deleting else "color blue"
    operator = ready(cloud, slow=True)
    operator.restarts = restarts
    cloud.gives_up, cloud.busy = True, minutes * MINUTE
    operator.target = replace(TARGET, plan="blue")
    operator.goes_on(7 * HOUR, deleting)
    times = cloud.times(name)
    assert len(times) >= 3
    assert all(
        later - earlier >= minutes * MINUTE + HOUR - LOOK
        for earlier, later in itertools.pairwise(times)
    )


def test_it_is_waited_for_then_told_and_then_asked_again() -> None:
    cloud = Cloud()
    operator = ready(cloud)
    cloud.ignores = frozenset({"color"})
    operator.target = replace(TARGET, plan="blue")
    waiting = operator.look()
    assert isinstance(waiting, Wait)
    assert waiting.reason.startswith("box.color: AWS was asked at ")
    assert waiting.reason.endswith("to change it from red to blue, and has yet to begin")
    told = operator.goes_on(11 * MINUTE)
    assert isinstance(told, Refuse)
    (difference,) = told.differences
    assert "hasn't done it; its events at AWS say why. It is asked again at" in difference.refusal
    cloud.ignores = frozenset()
    assert operator.goes_on(HOUR) == Done()
    assert cloud.there["color"] == "blue"


def test_another_wish_is_asked_for_at_once_and_so_is_the_same_one_anew() -> None:
    cloud = Cloud()
    operator = ready(cloud)
    cloud.ignores = frozenset({"color"})
    for plan in ("blue", "green", "red", "blue"):
        operator.target = replace(TARGET, plan=plan)
        operator.goes_on(MINUTE)
    assert [name for _, name in cloud.calls] == ["color blue", "color green", "color blue"]


def test_what_holds_up_one_change_holds_up_no_other() -> None:
    cloud = Cloud()
    operator = ready(cloud)
    cloud.ignores = frozenset({"color"})
    operator.target = replace(TARGET, plan="blue")
    operator.goes_on(MINUTE)
    cloud.there["size"] = 1
    operator.look()
    assert cloud.there["size"] == 2
    assert len(cloud.times("color blue")) == 1


def test_what_somebody_undoes_after_it_was_seen_is_put_right_each_time() -> None:
    cloud = Cloud()
    operator = ready(cloud)
    for _ in range(10):
        cloud.there["color"] = "grey"
        assert operator.look() == Done()
    assert len(cloud.times("color red")) == 10


def test_what_aws_refuses_is_asked_for_again_as_soon_as_the_cause_may_be_gone() -> None:
    cloud = Cloud()
    operator = ready(cloud)
    cloud.refused = frozenset({"color"})
    operator.target = replace(TARGET, plan="blue")
    assert isinstance(operator.look(), StalledError)
    cloud.refused = frozenset()
    assert operator.look() == Done()


def test_what_was_made_and_does_not_show_is_not_made_again_at_once() -> None:
    cloud = Cloud(ignores=frozenset({"create"}))
    operator = Operator(cloud)
    end = operator.goes_on(9 * MINUTE)
    assert end == operator.look()
    assert isinstance(end, Wait)
    assert "to create it, and doesn't show all of it yet" in end.reason
    assert len(cloud.times("create")) == 1
    operator.goes_on(HOUR)
    assert len(cloud.times("create")) <= 7


def test_what_shows_late_is_gone_on_with_at_once() -> None:
    cloud = Cloud(ignores=frozenset({"create"}))
    operator = Operator(cloud)
    assert isinstance(operator.look(), Wait)
    cloud.there.update(color="red", size=2)
    assert operator.look() == Done()


def test_what_was_deleted_by_somebody_after_it_was_seen_is_made_again_at_once() -> None:
    cloud = Cloud()
    operator = ready(cloud)
    cloud.there.clear()
    assert operator.look() == Done()


def test_credentials_that_aws_does_not_accept_yet_are_not_issued_again() -> None:
    cloud = Cloud(ignores=frozenset({"issue"}))
    operator = Operator(cloud)
    end = operator.goes_on(9 * MINUTE)
    assert isinstance(end, Wait)
    assert "to issue its credentials, and doesn't accept them yet" in end.reason
    assert len(cloud.times("issue")) == 1
    cloud.keys.append(operator.secret["key"])
    assert operator.look() == Done()


def test_credentials_that_were_deleted_are_issued_at_once() -> None:
    cloud = Cloud()
    operator = ready(cloud)
    for _ in range(3):
        cloud.keys.clear()
        assert operator.look() == Done()
    assert len(cloud.times("issue")) == 3


def test_credentials_that_could_not_be_stored_are_issued_at_the_next_look() -> None:
    cloud = Cloud()
    operator = Operator(cloud, stores=False)
    operator.look()
    operator.stores = True
    assert operator.look() == Done()
    assert len(cloud.times("issue")) == 2


DELETIONS: Final[dict[str, dict[str, Any]]] = {
    "it accepts the deletion and forgets it": {"ignores": frozenset({"delete"})},
    "it begins, takes its time, and falls back": {"gives_up": True, "busy": 12 * MINUTE},
    "it falls back at once": {"gives_up": True},
}


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("slow", [True, False])
@pytest.mark.parametrize("behaviour", DELETIONS.values(), ids=DELETIONS)
def test_a_deletion_that_comes_to_nothing_is_asked_for_once_an_hour(
    behaviour: dict[str, Any], slow: bool, restarts: bool
) -> None:
    cloud = Cloud()
    operator = ready(cloud, slow=slow)
    operator.restarts = restarts
    for name, value in behaviour.items():
        setattr(cloud, name, value)
    end = operator.goes_on(55 * MINUTE, deleting=True)
    assert isinstance(end, Wait)
    assert "has given that up" in end.reason
    assert len(cloud.times("delete")) == 1
    cloud.ignores, cloud.gives_up = frozenset(), False
    assert operator.goes_on(30 * MINUTE, deleting=True) == Done()
    assert len(cloud.times("delete")) == 2


def test_what_is_deleted_step_by_step_goes_on_at_once() -> None:
    """A bucket with many objects, for one, takes many calls."""
    cloud = Cloud(steps=30)
    operator = ready(cloud)
    assert operator.goes_on(10 * LOOK, deleting=True) == Done()
    assert len(cloud.times("delete")) == 30


def test_access_that_is_still_shown_is_not_taken_away_again() -> None:
    cloud = Cloud()
    operator = ready(cloud)
    operator.target = replace(TARGET, deletion_policy=DeletionPolicy.RETAIN)
    cloud.ignores = frozenset({"revoke"})
    end = operator.goes_on(9 * MINUTE, deleting=True)
    assert isinstance(end, Wait)
    assert "to take its credentials back, and still shows them" in end.reason
    assert len(cloud.times("revoke")) == 1
    cloud.there["locked"] = True
    assert operator.look(deleting=True) == Done()


def test_what_was_released_and_made_anew_is_released_at_once() -> None:
    """Parts in a network that the Organization has left are released before it is made."""
    cloud = Cloud()
    operator = ready(cloud)
    operator.target = replace(TARGET, deletion_policy=DeletionPolicy.RETAIN)
    assert operator.look(deleting=True) == Done()
    cloud.there.clear()
    cloud.keys.clear()
    assert operator.look() == Done()
    assert operator.look(deleting=True) == Done()
    assert len(cloud.times("revoke")) == 2


def test_a_service_that_is_made_again_after_its_deletion_knows_of_nothing() -> None:
    cloud = Cloud()
    operator = ready(cloud, slow=True)
    assert operator.look(deleting=True) == Done()
    operator.gateway.forget(operator.target)
    operator.secret = {}
    assert operator.look() == Done()
    assert operator.look(deleting=True) == Done()
