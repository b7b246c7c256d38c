"""The engine on parts that live in memory: what no emulator can be brought to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import pytest
from botocore.exceptions import ClientError

from setops.api.service_type import DeletionPolicy
from setops.aws.api_use import ApiUse
from setops.aws.clients import AccountClients
from setops.aws.composite import Composite
from setops.aws.decide import Create, decide_keeping
from setops.aws.errors import ConflictError, WaitError
from setops.aws.identity import Identity
from setops.aws.observation import Activity, Found, Observation, PartStatus, Presence
from setops.aws.part import Field, Guard, Part
from setops.aws.product import Assembly, Product
from setops.aws.target import Account, Target

OURS = Identity.of_service("acme", "shop", "live", "data")
TARGET = Target(Account("111111111111", "eu-central-1"), OURS, "shelf")
NO_CLIENTS = cast(AccountClients, None)


class Cloud:
    """What there is, and the calls that were made. `late` hides a part from its next looks."""

    def __init__(self) -> None:
        self.there: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.late: dict[str, int] = {}
        self.made_by_others: set[str] = set()

    @property
    def changes(self) -> list[str]:
        return [call for call in self.calls if not call.startswith(("find", "tags"))]


@dataclass(frozen=True)
class Memory(Part):
    """A resource in memory, with one field."""

    api: ClassVar[ApiUse] = ApiUse("memory", ())
    cloud: Cloud

    def find(self) -> Found | None:
        self.cloud.calls.append(f"find {self.kind}")
        if self.cloud.late.get(self.kind, 0) > 0:
            self.cloud.late[self.kind] -= 1
            return None
        return self.cloud.there.get(self.kind)

    def tags(self, found: Found) -> Mapping[str, str]:
        self.cloud.calls.append(f"tags {self.kind}")
        return dict(found["tags"])

    def create(self, ids: Mapping[str, str]) -> None:
        self.cloud.calls.append(f"create {self.kind} {','.join(ids)}")
        tags = {} if self.kind in self.cloud.made_by_others else self.identity.tags()
        self.cloud.there[self.kind] = {"tags": tags, "color": "grey"}

    def status(self, found: Found) -> PartStatus:
        return PartStatus(activity=found.get("activity", Activity.STEADY))

    def fields(self, found: Found, ids: Mapping[str, str]) -> Iterable[Field]:  # noqa: ARG002
        yield Field(f"{self.kind}.color", "red", found["color"])

    def put(self, found: Found, fields: Sequence[Field]) -> Iterator[str]:  # noqa: ARG002
        self.cloud.calls.append(f"put {self.kind}")
        self.cloud.there[self.kind]["color"] = "red"
        yield from (each.path for each in fields)

    def delete(self, found: Found) -> bool:  # noqa: ARG002
        self.cloud.calls.append(f"delete {self.kind}")
        del self.cloud.there[self.kind]
        return True


@dataclass(frozen=True)
class Plank(Memory):
    kind: ClassVar[str] = "plank"
    label: ClassVar[str] = "plank"
    auxiliary: ClassVar[bool] = True
    tags_listed: ClassVar[bool] = False


@dataclass(frozen=True)
class Shelf(Memory, Guard):
    kind: ClassVar[str] = "shelf"
    label: ClassVar[str] = "shelf"

    def accepts(self, found: Found, credentials: Mapping[str, str]) -> bool:  # noqa: ARG002
        return True

    def is_revoked(self, found: Found) -> bool:
        return bool(found.get("locked"))

    def revoke(self, found: Found) -> None:  # noqa: ARG002
        self.cloud.calls.append("revoke shelf")


class Shelves(Product):
    type_name: ClassVar[str] = "shelf"
    noun: ClassVar[str] = "a shelf"
    part_types: ClassVar[tuple[type[Part], ...]] = (Plank, Shelf)
    part_keys: ClassVar[tuple[str, ...]] = ("plank", "shelf")
    policies = tuple(DeletionPolicy)

    def __init__(self, cloud: Cloud, *, replaced: bool = False) -> None:
        self.cloud = cloud
        self.replaced = frozenset({"plank"}) if replaced else frozenset()

    def name(self, target: Target, key: str) -> str:  # noqa: ARG002
        return key[0]

    def assemble(self, clients: AccountClients, target: Target, main: Found | None) -> Assembly:  # noqa: ARG002
        plank = Plank("p", target.identity, self.cloud)
        shelf = Shelf("s", target.identity, self.cloud)
        return Assembly((plank, shelf), shelf, retired=self.replaced, held=self.replaced)

    def connection(self, target: Target, observation: Observation) -> Mapping[str, str]:  # noqa: ARG002
        return {}


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def of(cloud: Cloud, policy: DeletionPolicy = DeletionPolicy.DELETE) -> Composite:
    return Composite(Shelves(cloud), NO_CLIENTS, replace(TARGET, deletion_policy=policy))


def made(cloud: Cloud) -> Composite:
    composite = of(cloud)
    composite.create()
    cloud.calls.clear()
    return composite


def test_parts_are_made_in_their_order_each_put_right_before_the_next(cloud: Cloud) -> None:
    of(cloud).create()
    expected = ["create plank ", "put plank", "create shelf plank", "put shelf"]
    assert cloud.changes == expected


def test_nothing_is_made_where_one_part_is_somebody_elses(cloud: Cloud) -> None:
    cloud.there["shelf"] = {"tags": {}}
    with pytest.raises(ConflictError, match="shelf s exists without our tags"):
        of(cloud).create()
    assert not cloud.changes


def test_what_somebody_else_makes_in_the_same_moment_is_not_touched(cloud: Cloud) -> None:
    """S3 in us-east-1, for one, says of both that they made it."""
    cloud.made_by_others.add("shelf")
    with pytest.raises(ConflictError, match="shelf s"):
        of(cloud).create()
    assert cloud.changes[-1] == "create shelf plank"


def test_what_does_not_show_yet_is_waited_for(cloud: Cloud) -> None:
    cloud.late["plank"] = 2
    with pytest.raises(WaitError, match="AWS doesn't show plank p yet"):
        of(cloud).create()
    of(cloud).create()
    assert [call for call in cloud.changes if call.startswith("create")] == [
        "create plank ",
        "create shelf plank",
    ]


def test_parts_are_deleted_in_reverse(cloud: Cloud) -> None:
    composite = made(cloud)
    composite.delete()
    assert cloud.changes == ["delete shelf", "delete plank"]


def test_retain_deletes_no_data_that_shows_only_at_the_second_look(cloud: Cloud) -> None:
    made(cloud)
    cloud.late["shelf"] = 1
    of(cloud, DeletionPolicy.RETAIN).relinquish()
    assert "shelf" in cloud.there
    assert "delete shelf" not in cloud.changes


def test_access_that_is_taken_away_is_not_taken_away_again(cloud: Cloud) -> None:
    made(cloud)
    of(cloud, DeletionPolicy.RETAIN).relinquish()
    assert cloud.changes == ["revoke shelf"]
    cloud.there["shelf"]["locked"] = True
    of(cloud, DeletionPolicy.RETAIN).relinquish()
    assert cloud.changes == ["revoke shelf"]


def inventory(cloud: Cloud) -> dict[str, dict[str, Found]]:
    keys = {"plank": "p", "shelf": "s"}
    return {
        kind: {key: cloud.there[kind]} if kind in cloud.there else {} for kind, key in keys.items()
    }


def test_tags_that_cost_a_call_are_asked_for_only_where_it_matters(cloud: Cloud) -> None:
    composite = made(cloud)
    observation = composite.observe(inventory(cloud))
    assert observation.presence is Presence.PRESENT
    assert cloud.calls == ["tags shelf"]
    # Before it is touched, they are; and the inventory is no longer believed.
    cloud.there["plank"] = {"tags": {}, "color": "grey"}
    changed = composite.observe(inventory(cloud))
    assert [each.path for each in changed.differences] == ["plank.color"]
    with pytest.raises(ConflictError, match="plank p"):
        composite.update(changed, set())
    assert not cloud.changes


def test_a_part_that_the_main_part_still_holds_costs_no_call(cloud: Cloud) -> None:
    made(cloud)
    composite = replace(of(cloud), product=Shelves(cloud, replaced=True))
    observation = composite.observe(inventory(cloud))
    assert not observation.differences
    assert cloud.calls == ["tags shelf"]
    assert observation.ids == {"plank": "p", "shelf": "s"}


def test_what_is_deleted_in_the_middle_of_a_look_is_made_again(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    composite = made(cloud)
    answer: Any = {"Error": {"Code": "NoSuchShelf"}}

    def gone(*_: object) -> Found:
        raise ClientError(answer, "GetShelf")

    monkeypatch.setattr(Shelf, "examine", gone)
    with pytest.raises(ClientError):
        composite.observe({})
    monkeypatch.setattr(Shelf, "gone_codes", frozenset({"NoSuchShelf"}))
    observation = composite.observe({})
    assert observation.presence is Presence.PARTIAL
    assert decide_keeping(observation) == Create()


def test_while_aws_works_on_the_main_part_nothing_else_is_looked_at(cloud: Cloud) -> None:
    composite = made(cloud)
    cloud.there["shelf"]["activity"] = Activity.BUSY
    observation = composite.observe({})
    assert observation.main.activity is Activity.BUSY
    assert observation.presence is Presence.PRESENT
    assert not observation.differences
    assert {call.split()[1] for call in cloud.calls} == {"shelf"}


PRESENCE: dict[str, tuple[set[str], Presence, tuple[str, ...]]] = {
    "nothing": (set(), Presence.ABSENT, ()),
    "what is there for the main part": ({"plank"}, Presence.PARTIAL, ()),
    "the main part, which lacks something": ({"shelf"}, Presence.PRESENT, ("plank",)),
    "all": ({"plank", "shelf"}, Presence.PRESENT, ()),
}


@pytest.mark.parametrize(("kinds", "presence", "paths"), PRESENCE.values(), ids=PRESENCE)
def test_presence(
    cloud: Cloud, kinds: set[str], presence: Presence, paths: tuple[str, ...]
) -> None:
    for kind in kinds:
        cloud.there[kind] = {"tags": OURS.tags(), "color": "red"}
    observation = of(cloud).observe({})
    assert observation.presence is presence
    assert tuple(each.path for each in observation.differences) == paths


def lost(cloud: Cloud) -> Composite:
    return Composite(Shelves(cloud), NO_CLIENTS, replace(TARGET, was_ready=True))


@pytest.mark.parametrize(
    ("composite", "activity"), [(of, Activity.STEADY), (lost, Activity.FAILED)]
)
def test_data_that_was_there_is_not_replaced_by_nothing(
    cloud: Cloud, composite: Callable[[Cloud], Composite], activity: Activity
) -> None:
    observation = composite(cloud).observe({})
    assert observation.main.activity is activity
    assert ("restore it under this name" in observation.main.remedy) == (composite is lost)
